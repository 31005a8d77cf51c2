"""Format ``diesel``: one directory a migration, with ``up.sql`` and ``down.sql``."""

from __future__ import annotations

import re
import tomllib

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.files import History, SourceFile, Tree, Unreadable
from kfm_ci.migrations.formats.pairs import Named, assemble
from kfm_ci.model import Mode

_NAME = re.compile(r"^([^/_]+)_([^/]*)/(up|down)\.sql$")


def _name(path: str) -> Named | None:
    match = _NAME.match(path)
    if match is None or path.startswith("."):
        return None
    version = match[1].replace("-", "")
    return Named(id=f"{match[1]}_{match[2]}", version=version, sort_key=(version,), name=match[2], direction=match[3])


class Diesel:
    """``<version>_name/up.sql``; a ``metadata.toml`` without its key means no transaction, as in the tool."""

    name = "diesel"
    confidence = 60

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether a directory below holds an up file."""
        return any(name.endswith("/up.sql") and _name(name) for name in names)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read every directory below."""

        def mode(file: SourceFile) -> Mode | None:
            metadata = f"{file.path.rpartition('/')[0]}/metadata.toml"
            if not tree.exists(metadata):
                return Mode.TRANSACTION
            try:
                wanted = tomllib.loads(tree.read(metadata).decode()).get("run_in_transaction", False)
            except (tomllib.TOMLDecodeError, UnicodeDecodeError, Unreadable):
                return Mode.TRANSACTION
            return Mode.TRANSACTION if wanted else Mode.AUTOCOMMIT

        def extra(path: str) -> tuple[str, ...]:
            metadata = f"{path.rpartition('/')[0]}/metadata.toml"
            return (metadata,) if tree.exists(metadata) else ()

        return assemble(tree, directory, format=self.name, name=_name, paths=tree.paths(directory), whole=True,
                        mode=mode, extra=extra)  # fmt: skip
