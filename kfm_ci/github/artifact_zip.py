"""The files of a run as one deterministic zip."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping

_EPOCH = (1980, 1, 1, 0, 0, 0)
_FORBIDDEN = re.compile(r'[":<>|*?\r\n\\/]+')


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return the zip; times, owners and order are fixed, so that its digest depends on the content only."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            archive.writestr(entry, content)
    return stream.getvalue()


def name(given: str, *parts: str) -> str:
    """Return the name of the artifact: the given one, else one that identifies this gate."""
    text = given or "-".join(["kfm-ci", *(part.strip("./") for part in parts if part.strip("./"))])
    return _FORBIDDEN.sub("-", text)[:200]
