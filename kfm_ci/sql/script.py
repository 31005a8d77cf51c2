"""SQL text with its place in a file: source files, scripts, statements."""

from __future__ import annotations

from dataclasses import dataclass

from kfm_ci.model import Digest, Mode, Resumption


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One file, read exactly once."""

    path: str
    """POSIX, relative to the repository's root."""
    data: bytes
    text: str
    """Decoded as UTF-8 without byte order mark; what cannot be decoded became U+FFFD and is a finding of its own."""
    sha256: Digest
    """Of the raw bytes; no newline or encoding clean-up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One SQL statement with its exact place."""

    text: str
    """From its first token to its last, without the semicolon; leading comments left out."""
    raw: str
    """With what stands before and after it; the raws of a script joined give the text again."""
    line: int
    """1-based line of the first token, in the file."""
    column: int
    """1-based, in characters."""
    end_line: int
    offset: int
    """0-based character offset of ``text`` in the script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """SQL to run: a whole file, or the section of one."""

    file: SourceFile
    text: str
    """The part of the file that is to run."""
    first_line: int = 1
    """1-based line of the file on which ``text`` begins."""
    mode: Mode | None = None
    """What the tool or the author demands; None: a transaction unless a statement cannot run in one."""
    recorded: bool = False
    """Whether the text is what a tool sent to the server; its lines are counted on from the end of the file."""
    migration_line: int = 1
    """1-based line of the file on which a recorded migration itself begins."""
    shell_command: str | None = None
    """What a person types to have a tool send it, as a line of shell; None where it is not a tool's."""
    implicit_transaction: bool = False
    """Whether the tool sends the text as one message (an implicit transaction when there are several)."""
    resumption: Resumption | None = None
    """How the tool goes on where the text ends the transaction that the tool opened; None: it fails, or opened none."""
