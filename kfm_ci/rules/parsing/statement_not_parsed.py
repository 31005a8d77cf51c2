"""Rule ``statement-not-parsed``: statement that the parser does not accept."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.excerpt import shown
from kfm_ci.model import Finding, Hazard, Severity, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding

STATEMENT_NOT_PARSED = RuleInfo(
    id="statement-not-parsed",
    hazard=Hazard.UNANALYSABLE,
    title="Statement that the parser does not accept",
    why=(
        "SQL that does not parse cannot be checked statically and usually fails on the server. In the"
        " gate the server decides: a statement that it runs, because it knows newer syntax, is not "
        "reported. Correct the syntax."
    ),
    severities=(Severity.ERROR,),
    bad="alter table widgets add colum colour text;\n",
    good="alter table widgets add column colour text;\n",
)


class StatementNotParsed:
    """Finds statements that PostgreSQL's parser rejects; a server of another version decides."""

    info = STATEMENT_NOT_PARSED

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each statement that does not parse."""
        for item in change.statements.unread:
            if item.kind in {"syntax", "too-deep"}:
                yield migration_finding(
                    STATEMENT_NOT_PARSED,
                    f"The statement does not parse: {shown(item.reason, 160)}.",
                    place=item.place,
                    migration=item.migration,
                    help="Correct the syntax; the rules on statements did not check this one.",
                    verdict=Verdict.SUSPECTED if item.kind == "syntax" else Verdict.FACT,
                )
