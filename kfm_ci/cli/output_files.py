"""Files written to ``--out``: each whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from kfm_ci.errors import CannotCheck


def prepare(out: Path) -> None:
    """Make the directory before the first stage, so that a full disk shows early."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotCheck(
            code="KFM-C30",
            message=f"the output cannot be written: {error.strerror}",
            where=str(out),
            help="choose another --out",
        ) from error


def replace(path: Path, data: bytes) -> None:
    """Write a file in place of what is there; raises CannotCheck when the disk refuses."""
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
            message=f"the output cannot be written: {error.strerror}",
            where=str(path),
            help="free space, or choose another --out",
        ) from error
