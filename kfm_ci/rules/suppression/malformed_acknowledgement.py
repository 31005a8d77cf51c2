"""Rule ``malformed-acknowledgement``: acknowledgement without a valid hazard or reason."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.migrations import acknowledgements, source_calls
from kfm_ci.migrations.acknowledgements import MalformedAllowComment
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding
from kfm_ci.sql.script import Script

MALFORMED_ACKNOWLEDGEMENT = RuleInfo(
    id="malformed-acknowledgement",
    hazard=Hazard.HEADER,
    title="Acknowledgement without a valid hazard or reason",
    why=(
        "Reviewers read the reason, so an acknowledgement without one has no effect. An unknown "
        "hazard suppresses nothing, and there is no form for a whole file. Write `-- kfm:allow "
        '<hazard> reason="…"` above the statement.'
    ),
    severities=(Severity.WARNING,),
    bad="-- kfm:allow blocks-writes\ncreate index widgets_name_idx on widgets (name);\n",
    good='-- kfm:allow blocks-writes reason="table has 40 rows in production"\n'
    "create index widgets_name_idx on widgets (name);\n",
)


class MalformedAcknowledgement:
    """Finds acknowledgements without a known hazard or a reason."""

    info = MALFORMED_ACKNOWLEDGEMENT

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a warning for each malformed acknowledgement."""
        for migration in change.new:
            for script in (migration.up, migration.down):
                if not isinstance(script, Script):
                    continue
                for wrong in acknowledgements.find(script)[1]:
                    yield self._finding(migration, script.file.path, wrong)
            yield from self._remarked(migration)

    def _remarked(self, migration: Migration) -> Iterator[Finding]:
        up = migration.up
        if not isinstance(up, Script) or not up.recorded or not acknowledgements.in_program(up.file.path):
            return
        for remark in source_calls.read(up.file.text, up.file.path)[1]:
            wrong = acknowledgements.in_comment(remark.text, remark.line)
            if isinstance(wrong, MalformedAllowComment):
                yield self._finding(migration, up.file.path, wrong)

    def _finding(self, migration: Migration, path: str, wrong: MalformedAllowComment) -> Finding:
        place = Place(file=path, line=wrong.line, column=1, end_line=wrong.line)
        return migration_finding(
            MALFORMED_ACKNOWLEDGEMENT, wrong.message, help=wrong.help, migration=migration, place=place
        )
