"""Runs squawk isolated from the repository, and accepts only complete output."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kfm_ci.errors import CannotCheck
from kfm_ci.model import Digest, LinterIdentity
from kfm_ci.rules.squawk.rule_map import DISABLED, OPT_IN

VERSION = "2.70.0"
"""The supported version; pinned in the package's dependencies."""
_FILE_SECONDS = 10.0
_ALL_SECONDS = 60.0
_BATCH = 200
"""Number of files from which several share a process."""
_CANARY = "kfm_ci_was_read_to_its_end"
_ENDING = f'\n;drop database "{_CANARY}";\n'
"""Appended to every text: a finding on it proves that squawk checked everything before."""
SYNTAX = "syntax-error"
_STDIN = "migration.sql"
_IGNORES = re.compile("squawk-", re.IGNORECASE)
_LINE_ENDS = re.compile(rb"\r\n|\n|\r")
_CONTINUATION = re.compile(rb"[\x80-\xbf]")


class SquawkAnswer(BaseModel):
    """One row of ``--reporter json``; lines and columns 0-based, columns in bytes."""

    model_config = ConfigDict(strict=True, frozen=True)
    file: str
    line: Annotated[int, Field(ge=0)]
    column: Annotated[int, Field(ge=0)]
    line_end: Annotated[int, Field(ge=0)]
    column_end: Annotated[int, Field(ge=0)]
    level: Literal["Warning", "Error"]
    message: str
    help: str | None
    rule_name: str


_ANSWERS = TypeAdapter(list[SquawkAnswer])


class Places:
    """Turns squawk's places, 0-based and in bytes, into characters of the text."""

    __slots__ = ("_continuations", "_starts")

    def __init__(self, data: bytes) -> None:
        # squawk also ends a line at a lone carriage return.
        self._starts = [0, *(found.end() for found in _LINE_ENDS.finditer(data))]
        self._continuations = [found.start() for found in _CONTINUATION.finditer(data)]

    def offset(self, line: int, column: int) -> int:
        """Return the offset in bytes."""
        return self._starts[min(line, len(self._starts) - 1)] + column

    def characters(self, line: int, column: int) -> int:
        """Return the offset in characters."""
        offset = self.offset(line, column)
        return offset - bisect_left(self._continuations, offset)


class Question:
    """The text that squawk gets for one script."""

    __slots__ = ("data", "in_transaction", "places")

    def __init__(self, text: str, *, in_transaction: bool) -> None:
        """Replace squawk's ignore comments by text of the same length, and append the canary statement."""
        self.data = (_IGNORES.sub("squawk_", text) + _ENDING).encode("utf-8", "replace")
        self.places = Places(self.data)
        self.in_transaction = in_transaction


class UncleanInput(Exception):
    """squawk crashed, exceeded its time limit or printed invalid output."""


@cache
def binary() -> Path:
    """Return the program of the pinned package, never one from PATH; raises CannotCheck."""
    help = f'Run `pip install "squawk-cli=={VERSION}"`, or set `squawk = false` in [policy].'
    try:
        package = metadata.distribution("squawk-cli")
    except metadata.PackageNotFoundError:
        raise CannotCheck(code="KFM-C14", message="squawk is not installed.", help=help) from None
    if package.version != VERSION:
        raise CannotCheck(
            code="KFM-C14",
            message="The installed version of squawk is not supported.",
            expected=VERSION,
            got=package.version,
            help=help,
        )
    for file in package.files or ():
        located = Path(str(file.locate()))
        if file.name in {"squawk", "squawk.exe"} and located.is_file():
            return located
    raise CannotCheck(code="KFM-C14", message="The package squawk-cli contains no program.", help=help)


@cache
def identity() -> LinterIdentity:
    """Return squawk's name, version and digest; raises CannotCheck as ``binary`` does."""
    return LinterIdentity(name="squawk", version=VERSION, sha256=Digest.of(binary().read_bytes()))


def ask(questions: Sequence[Question], *, major: int | None = None) -> list[tuple[SquawkAnswer, ...] | UncleanInput]:
    """Return squawk's output for each script, in order; processes run in parallel, with a time limit.

    ``major`` is the PostgreSQL version. Raises CannotCheck if squawk is not installed.
    """
    program, options = binary(), ("--pg-version", f"{major}.1") if major else ()
    size = 1 if len(questions) < _BATCH else _BATCH
    # `--assume-in-transaction` applies to a whole process.
    alike = [[item for item in questions if item.in_transaction is kind] for kind in (True, False)]
    batches = [group[at : at + size] for group in alike for at in range(0, len(group), size)]
    answers: dict[int, tuple[SquawkAnswer, ...] | UncleanInput] = {}
    with tempfile.TemporaryDirectory(prefix="kfm-squawk-") as empty:
        pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 2)
        running = [pool.submit(_ask, batch, program, options, Path(empty)) for batch in batches]
        done, late = wait(running, timeout=_ALL_SECONDS)
        pool.shutdown(wait=True, cancel_futures=True)
        for future, batch in zip(running, batches, strict=True):
            output = future.result() if future in done else [UncleanInput("it exceeded its time limit")] * len(batch)
            answers.update({id(question): answer for question, answer in zip(batch, output, strict=True)})
    return [answers[id(question)] for question in questions]


def _ask(
    batch: Sequence[Question], program: Path, options: tuple[str, ...], directory: Path
) -> list[tuple[SquawkAnswer, ...] | UncleanInput]:
    """Check several files in one process, or each alone if the output is incomplete."""
    assumed = (*options, "--assume-in-transaction") if batch[0].in_transaction else options
    if len(batch) > 1:
        try:
            return list(_together(batch, program, assumed, directory))
        except UncleanInput:
            pass
    return [_alone(question, program, assumed, directory) for question in batch]


def _alone(
    question: Question, program: Path, options: tuple[str, ...], directory: Path
) -> tuple[SquawkAnswer, ...] | UncleanInput:
    try:
        return _read(question, _run((program, *options, "--stdin-filepath", _STDIN), directory, question.data))
    except UncleanInput as error:
        return error


def _together(
    batch: Sequence[Question], program: Path, options: tuple[str, ...], directory: Path
) -> Iterator[tuple[SquawkAnswer, ...]]:
    # Arguments are patterns to squawk, and what matches nothing is left out silently: the names are ours.
    with tempfile.TemporaryDirectory(dir=directory) as folder:
        names = [f"{number}.sql" for number in range(len(batch))]
        for name, question in zip(names, batch, strict=True):
            (Path(folder) / name).write_bytes(question.data)
        answers = _run((program, *options, *names), Path(folder), b"")
    by_name: dict[str, list[SquawkAnswer]] = {name: [] for name in names}
    for answer in answers:
        by_name.setdefault(answer.file, []).append(answer)
    yield from (_read(question, by_name[name]) for name, question in zip(names, batch, strict=True))


def _run(command: tuple[str | Path, ...], directory: Path, data: bytes) -> list[SquawkAnswer]:
    """Return squawk's output as rows; raises UncleanInput for an exit code other than 0 and 1."""
    program, *rest = command
    # No configuration, no variables, an empty directory: nothing of the repository can switch a rule off.
    asked = [
        str(program),
        "--config",
        os.devnull,
        "--reporter",
        "json",
        "--exclude",
        ",".join(DISABLED),
        "--include",
        ",".join(OPT_IN),
        *map(str, rest),
    ]
    try:
        ended = subprocess.run(
            asked, input=data, capture_output=True, cwd=directory, env={}, timeout=_FILE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise UncleanInput(f"it did not finish within {_FILE_SECONDS:.0f} s") from None
    except OSError as error:
        raise UncleanInput(f"it cannot be started: {error.strerror}") from None
    if ended.returncode != 1:  # 0: it did not report the canary statement
        raise UncleanInput(f"it exited {ended.returncode}")
    try:
        return _ANSWERS.validate_json(ended.stdout)
    except ValidationError:
        raise UncleanInput("its output is not valid JSON") from None


def _read(question: Question, answers: Sequence[SquawkAnswer]) -> tuple[SquawkAnswer, ...]:
    """Return the rows about the script; raises UncleanInput if squawk did not reach the canary."""
    end = len(question.data) - len(_ENDING)
    own: list[SquawkAnswer] = []
    reached = False
    for item in answers:
        if question.places.offset(item.line, item.column) < end:
            own.append(item)
        elif item.rule_name == "ban-drop-database":
            reached = True
    # squawk checks nothing of a file that it cannot parse, and reports a syntax error.
    if not reached and not any(item.rule_name == SYNTAX for item in answers):
        raise UncleanInput("it did not read the whole file")
    return tuple(own) if reached else tuple(item for item in answers if item.rule_name == SYNTAX)
