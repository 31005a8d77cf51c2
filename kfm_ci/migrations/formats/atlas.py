"""Format ``atlas``: a directory with an integrity file ``atlas.sum``; file name order, ``-- atlas:txmode``."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from dataclasses import replace

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import source_files
from kfm_ci.migrations.layouts.sections import problem
from kfm_ci.migrations.layouts.up_down_pairs import FileName, assemble, relative
from kfm_ci.migrations.model import History, ToolSemantics, Tree, Unreadable
from kfm_ci.migrations.problems.tool_plan import ATLAS_SUM_MISMATCH
from kfm_ci.migrations.problems.transaction_modes import ATLAS_CHECKPOINT, ATLAS_DIRECTIVE_IGNORED
from kfm_ci.model import Finding, Mode
from kfm_ci.sql.script import Script, SourceFile
from kfm_ci.sql.tokens import Kind, tokens

_NAME = re.compile(r"^([^/_]*)(?:_([^/]*))?\.sql$")
_DIRECTIVE = re.compile(r"^([ -~]*)atlas:(\w+)(?: +([ -~]*))*", re.ASCII)
_TXMODE = re.compile(r"^--[ \t]*atlas:txmode[ \t]+none\b", re.MULTILINE)


def _name(path: str) -> FileName | None:
    match = _NAME.match(path)
    if match is None:
        return None
    return FileName(
        id=path.removesuffix(".sql"), version=match[1], sort_key=(path,), name=match[2] or match[1], direction="up"
    )


class Atlas:
    """Each ``*.sql`` file directly in the directory, ordered by name."""

    name = "atlas"
    confidence = 70

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether ``atlas.sum`` exists and the files are Atlas's own, not another tool's that Atlas only hashes."""
        return tree.exists(_sum_path(directory)) and not any(name.endswith((".up.sql", ".down.sql")) for name in names)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the directory and verify ``atlas.sum``."""
        findings: list[Finding] = []

        def mode(file: SourceFile) -> Mode:
            if "none" in _directives(file.text, "txmode"):
                return Mode.AUTOCOMMIT
            if found := _TXMODE.search(file.text):
                findings.append(
                    problem(
                        file,
                        ATLAS_DIRECTIVE_IGNORED,
                        "Atlas ignores this `atlas:txmode`: it reads directives only from the comments "
                        "at the top of a file that end in a blank line without `\\r`.",
                        "Move it to the first line and leave a blank line below.",
                        line=file.text.count("\n", 0, found.start()) + 1,
                    )
                )
            return Mode.TRANSACTION

        history = assemble(tree, directory, format=self.name, name=_name, paths=tree.paths(directory), mode=mode)
        sum_file = source_files.read(tree, _sum_path(directory), findings)
        if sum_file is not None:
            findings += _verify(sum_file, _files(tree, directory))
        # a checkpoint that is the first file replaces deleted files: every new database starts with it
        checkpoints = [item.up.file for item in history.migrations[1:] if _directives(item.up.file.text, "checkpoint")]
        findings += [_checkpoint(file) for file in checkpoints]
        steps = tuple(
            replace(item, up=_delimited(item.up))
            for item in history.migrations
            if item.up.file not in checkpoints and isinstance(item.up, Script)
        )
        return History(
            format=self.name,
            directory=directory,
            migrations=steps,
            unreadable=history.unreadable,
            findings=(*history.findings, *findings),
            other_files=(*history.other_files, *checkpoints),
            semantics=ToolSemantics(
                how_to_disable_transaction="in a file of its own that begins with `-- atlas:txmode none` and a "
                "blank line",
                out_of_order_behaviour="Atlas rejects it on databases that have the newer one, unless "
                "`--exec-order` allows it",
            ),
        )


def _checkpoint(file: SourceFile) -> Finding:
    return problem(
        file,
        ATLAS_CHECKPOINT,
        "On an empty database Atlas starts at this checkpoint instead of the files before it, and skips it "
        "on all others; kfm-ci did not check it.",
        "Compare the schema of a new database with one that ran every file.",
    )


def _directives(text: str, name: str) -> list[str]:
    """Return the values of a directive in the comments at the top of the file, if a blank line follows them."""
    rest, comments = text, []
    while rest.startswith(("#", "--")) and "\n" in rest:
        comment, _, rest = rest.partition("\n")
        comments.append(comment.strip())
    if rest and not rest.lstrip(" \t").startswith("\n"):
        return []
    found = map(_DIRECTIVE.match, comments)
    return [match[3] or "" for match in found if match and match[2] == name]


def _delimited(script: Script) -> Script:
    """Return the script with the delimiter that its first line names replaced by semicolons; line numbers stay."""
    match = _DIRECTIVE.match(script.text)
    if match is None or match[1] != "-- " or match[2] != "delimiter" or not match[3]:
        return script
    delimiter = match[3].replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t")
    text, start, depth = script.text, script.text.find("\n") + 1, 0
    parts = [text[:start]]
    for token in tokens(text):
        depth += (token.kind is Kind.OPEN) - (token.kind is Kind.CLOSE)
        if depth or token.kind in {Kind.STRING, Kind.QUOTED}:
            continue
        # a comment may be the delimiter itself, and never contains one
        last = token.start + 1 if token.kind in {Kind.LINE_COMMENT, Kind.BLOCK_COMMENT} else token.end
        while (at := text.find(delimiter, max(start, token.start), last - 1 + len(delimiter))) >= 0:
            parts += [text[start:at], ";", delimiter if delimiter.isspace() else " " * (len(delimiter) - 1)]
            start = at + len(delimiter)
    return replace(script, text="".join([*parts, text[start:]]))


def sums(files: list[tuple[str, bytes]]) -> list[str]:
    """Return the lines of ``atlas.sum``: a sha256 over all files, then a running sha256 for each file."""
    running, total, lines = hashlib.sha256(), hashlib.sha256(), []
    for name, data in files:
        running.update(name.encode())
        if (found := _DIRECTIVE.match(data.decode("utf-8", "replace"))) and found[2] == "sum" and found[3] == "ignore":
            continue
        running.update(data)
        value = base64.b64encode(running.digest()).decode()
        total.update(name.encode() + value.encode())
        lines.append(f"{name} h1:{value}")
    return [f"h1:{base64.b64encode(total.digest()).decode()}", *lines]


def _files(tree: Tree, directory: str) -> list[tuple[str, bytes]]:
    """Return every file that ``atlas.sum`` covers by name, whether it is a readable migration or not."""
    found = ((relative(path, directory), path) for path in tree.paths(directory))
    files = []
    for name, path in sorted(found, key=lambda item: item[0].encode("utf-8", "surrogateescape")):
        if "/" not in name and name.endswith(".sql"):
            with contextlib.suppress(Unreadable):
                files.append((name, tree.read(path)))
    return files


def _verify(sum_file: SourceFile, files: list[tuple[str, bytes]]) -> list[Finding]:
    recorded = sum_file.text.split()
    expected = sums(files)
    if recorded == " ".join(expected).split():
        return []
    wrong = next((line.split()[0] for line in expected[1:] if line not in sum_file.text), "its first line")
    return [
        problem(
            sum_file,
            ATLAS_SUM_MISMATCH,
            f"`atlas.sum` does not match the files from {wrong} on, so Atlas rejects the directory.",
            "Review the changed files, then run `atlas migrate hash`.",
        )
    ]


def _sum_path(directory: str) -> str:
    return "atlas.sum" if directory in {"", "."} else f"{directory}/atlas.sum"
