"""The shell command that rolls one migration back."""

from __future__ import annotations

from kfm_ci.evidence.rollback.model import DrillSubject
from kfm_ci.model import Strategy


def rollback_command(subject: DrillSubject, *, autocommit: bool) -> str:
    """Return the command for one migration after all later ones are rolled back; empty when nothing is to be run."""
    migration, script = subject.migration, subject.down
    match subject.strategy:
        case Strategy.DOWN if script is not None:
            if script.shell_command is not None:
                return script.shell_command
            if script.text != script.file.text:
                return f"# down section of {_quote(script.file.path)}, from line {script.first_line}"
            return _psql(script.file.path, autocommit=autocommit, then=subject.forget)
        case Strategy.COMPENSATING if subject.compensation is not None:
            return _psql(subject.compensation.up_path, autocommit=autocommit)
        case Strategy.MANUAL if subject.runbook is not None:
            return f"# follow {_quote(subject.runbook.path)}"
        case Strategy.MANUAL if script is not None:
            return _psql(script.file.path, autocommit=autocommit, then=subject.forget)
        case _ if subject.is_empty:
            return ""
        case _:
            return f"# no rollback is written for {_quote(migration.id)}"


def _psql(path: str, *, autocommit: bool, then: str | None = None) -> str:
    # --no-psqlrc: a release engineer's own settings must not change what was proven
    single = "" if autocommit else " --single-transaction"
    rest = f" --file {_quote(path)}" if then is None else f" \\\n  --file {_quote(path)} \\\n  --command {_quote(then)}"
    return f'psql "$DATABASE_URL" --no-psqlrc --set ON_ERROR_STOP=1{single}{rest}'


def _quote(text: str) -> str:
    """Return text as one argument on one line, also behind ``#``."""
    flat = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    if flat and all(character.isalnum() or character in "_-./:@%+=," for character in flat):
        return flat
    return "'" + flat.replace("'", "'\"'\"'") + "'"
