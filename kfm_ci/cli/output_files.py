"""Files written to ``--out``, each atomically."""

from __future__ import annotations

import os
from pathlib import Path

from kfm_ci.errors import CannotCheck


def prepare(out: Path) -> None:
    """Create the directory before the first stage, so that a full disk is detected early."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotCheck(
            code="KFM-C30",
            message=f"The output cannot be written: {error.strerror}.",
            where=str(out),
            help="Choose another `--out`.",
        ) from error


def replace(path: Path, data: bytes) -> None:
    """Replace a file atomically; raises CannotCheck when it cannot be written."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise CannotCheck(
            code="KFM-C30",
            message=f"The output cannot be written: {error.strerror}.",
            where=str(path),
            help="Free disk space, or choose another `--out`.",
        ) from error
