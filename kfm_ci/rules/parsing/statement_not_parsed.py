"""SQL that does not parse was not judged, and nothing unjudged passes."""

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
    title="Every statement parses as PostgreSQL's SQL",
    why="What does not parse cannot be judged on paper, and would fail on the server. In the gate the server decides: "
    "a statement that it runs, because it knows newer syntax, is not held against the change.",
    severities=(Severity.ERROR,),
    bad="alter table widgets add colum colour text;\n",
    good="alter table widgets add column colour text;\n",
)


class NotParsed:
    """The parser is PostgreSQL's own; a server of another version has the last word."""

    info = STATEMENT_NOT_PARSED

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield the statements that do not parse."""
        for item in change.acts.unread:
            if item.kind == "syntax":
                yield migration_finding(
                    STATEMENT_NOT_PARSED,
                    f"does not parse: {shown(item.reason, 160)}",
                    place=item.place,
                    migration=item.migration,
                    help="mend the syntax; rules about statements did not look at this one",
                    verdict=Verdict.SUSPECTED,
                )
