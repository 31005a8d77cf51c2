"""An acknowledgement that is not well formed silences nothing, and is told."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.migrations import acknowledgements
from kfm_ci.migrations.files import Script
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.rules.base import Change, finding


class MalformedAcknowledgement:
    """Who accepts a hazard names it, and says why."""

    id = "malformed-acknowledgement"
    hazard = Hazard.HEADER
    title = "An acknowledgement names a hazard and has a reason"
    why = (
        "Reviewers read the reason, so without one an acknowledgement is worth nothing; a hazard that does not exist "
        "silences nothing. There is no form for a whole file."
    )
    bad = "-- kfm:allow blocks-writes\ncreate index widgets_name_idx on widgets (name);\n"
    good = (
        '-- kfm:allow blocks-writes reason="table has 40 rows in production"\n'
        "create index widgets_name_idx on widgets (name);\n"
    )

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a warning for each that cannot be honoured."""
        for migration in change.new:
            for script in (migration.up, migration.down):
                if not isinstance(script, Script):
                    continue
                for wrong in acknowledgements.find(script)[1]:
                    yield finding(
                        self, wrong.message, help=wrong.help, severity=Severity.WARNING, migration=migration,
                        place=Place(file=script.file.path, line=wrong.line, column=1, end_line=wrong.line),
                    )  # fmt: skip
