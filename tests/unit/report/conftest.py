from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

# Tests are no package: the samples are loaded by path, once, under a name that both test directories share.
_NAME = "evidence_samples"
if _NAME not in sys.modules:
    _spec = importlib.util.spec_from_file_location(_NAME, Path(__file__).with_name("evidence_samples.py"))
    assert _spec is not None and _spec.loader is not None
    _module = importlib.util.module_from_spec(_spec)
    sys.modules[_NAME] = _module
    _spec.loader.exec_module(_module)
