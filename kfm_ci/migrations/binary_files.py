"""Files among the migrations that the tool does not read: programs, archives, and other files that are no text."""

from __future__ import annotations

from dataclasses import replace

from kfm_ci.migrations import source_files
from kfm_ci.migrations.model import History, Tree, files_of
from kfm_ci.model import Finding

_OF_FILE_MANAGERS = frozenset({".DS_Store", "Thumbs.db"})


def attach(tree: Tree, history: History) -> History:
    """Return the history with the programs and the binary files in and below the directories of its migrations."""
    read = {file.path for item in history.migrations for file in files_of(item)}
    read |= {file.path for file in history.other_files}
    reported = {item.place.file for item in history.findings}
    folders = {item.up_path.rpartition("/")[0] for item in history.migrations}
    folders |= {history.directory} - {".", ""} if not folders else set()
    findings: list[Finding] = []
    found = []
    for path in tree.paths(history.directory):
        name = path.rpartition("/")[2]
        if path in read or name in _OF_FILE_MANAGERS or not _is_below(path, folders):
            continue
        file = source_files.read_any(tree, path, findings)
        if file is not None and (file.data.startswith(b"#!") or not source_files.is_text(file.data)):
            found.append(file)
    new = tuple(item for item in findings if item.place.file not in reported)
    return replace(history, binary_files=tuple(found), findings=(*history.findings, *new))


def _is_below(path: str, folders: set[str]) -> bool:
    parts = path.split("/")[:-1]
    return any("/".join(parts[:count]) in folders for count in range(len(parts) + 1))
