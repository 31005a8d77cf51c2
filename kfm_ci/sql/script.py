"""Source files, scripts and statements, with their lines and columns."""

from __future__ import annotations

from dataclasses import dataclass

from kfm_ci.model import Digest, Mode, Resumption


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """The content of one file."""

    path: str
    """POSIX, relative to the repository's root."""
    data: bytes
    text: str
    """Decoded as UTF-8 without byte order mark; invalid bytes are U+FFFD and a finding of their own."""
    sha256: Digest
    """Digest of the raw bytes, without normalisation of line ends or encoding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One SQL statement with its position."""

    text: str
    """From its first token to its last, without the semicolon; without leading comments."""
    raw: str
    """The statement with the text before and after it; the raw texts of a script joined are its text."""
    line: int
    """1-based line of the first token, in the file."""
    column: int
    """1-based, in characters."""
    end_line: int
    offset: int
    """0-based character offset of ``text`` in the script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """SQL to run: a file or a section of one."""

    file: SourceFile
    text: str
    """The part of the file to run."""
    first_line: int = 1
    """1-based line of the file on which ``text`` begins."""
    mode: Mode | None = None
    """Transaction mode set by the tool or the author; None: a transaction unless a statement cannot run in one."""
    recorded: bool = False
    """Whether the text is SQL recorded from a tool; its lines are numbered from the end of the file."""
    migration_line: int = 1
    """1-based line of the file on which a recorded migration starts."""
    shell_command: str | None = None
    """Shell command that makes the tool run it; None without an external migration tool."""
    implicit_transaction: bool = False
    """Whether the tool sends the text as one simple-query message: an implicit transaction block if it has several
    statements."""
    resumption: Resumption | None = None
    """How the tool continues after the text ends its transaction; None: it fails, or opens no transaction."""
