"""Check that the base's files are readable, so that a migration that was merged is not taken for a new one."""

from __future__ import annotations

from collections.abc import Iterable

from kfm_ci.errors import CannotCheck
from kfm_ci.migrations.model import History, Migration
from kfm_ci.migrations.problems.file_contents import ENCODING, NUL_BYTE, UNREADABLE_FILE

_NOT_READ = frozenset({UNREADABLE_FILE.id, NUL_BYTE.id, ENCODING.id})


def check_readable(new: Iterable[Migration], before: Iterable[History | None]) -> None:
    """Raise CannotCheck if a new migration has the path of a file that cannot be read on the base."""
    unread = {
        item.place.file: item.message
        for history in before
        if history is not None
        for item in history.findings
        if item.rule in _NOT_READ
    }
    for migration in new:
        if migration.up_path in unread:
            raise CannotCheck(
                code="KFM-C96",
                message="The base commit has this migration, but it cannot be read there: it is unknown "
                "whether it is new.",
                where=migration.up_path,
                got=unread[migration.up_path].rstrip("."),
                help="Restore the file as it is on the base, and write the change into a new migration.",
            )
