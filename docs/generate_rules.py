"""Generates docs/rules/: one page per rule and an index. Run: python docs/generate_rules.py."""

from __future__ import annotations

from pathlib import Path

from kfm_ci.model import ROLLOUT_HAZARDS, Rollout, default_severity
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.registry import RULES

OUT = Path(__file__).parent / "rules"


def severity_text(rule: RuleInfo) -> str:
    """Return the severities of a rule in words: its own, else the contract's default for its hazard."""
    own = rule.severities
    if own:
        return f"{' or '.join(own)}: depends on the finding" if len(own) > 1 else str(own[0])
    hazard = rule.hazard
    if hazard in ROLLOUT_HAZARDS:
        window = default_severity(hazard, rollout=Rollout.WINDOW)
        return f"{default_severity(hazard)}; {window} if the header declares `rollout: requires-maintenance-window`"
    native, other = default_severity(hazard), default_severity(hazard, native_format=False)
    return str(native) if native is other else f"{native} in format `kfm`, {other} in other formats"


def page(rule: RuleInfo) -> str:
    """Return a rule's page as Markdown."""
    confirmed, read = rule.server_example, rule.reading_example
    by = f"{rule.decided_by}; confirmed by the server" if confirmed else str(rule.decided_by)
    bad, good = (read.bad, read.good) if read else (rule.bad, rule.good)
    shown = [("Before", rule.base), ("Bad", bad), ("Good", good)]
    if confirmed:
        shown += [("On the server", confirmed.base), ("Confirmed", confirmed.bad), ("Not reported", confirmed.good)]
    examples = [line for title, text in shown if text for line in (f"## {title}", "", _fenced(text), "")]
    return "\n".join(
        [
            f"# {rule.id}",
            "",
            f"{rule.title}.",
            "",
            "| | |",
            "|---|---|",
            f"| hazard | `{rule.hazard}` |",
            f"| decided by | {by} |",
            f"| severity | {severity_text(rule)} |",
            f'| change it | `[policy.severity]` `{rule.id} = "warning"` |',
            "",
            "## Why",
            "",
            rule.why,
            "",
            *examples,
        ]
    )


def index() -> str:
    """Return the list of all rules as Markdown."""
    rows = [f"| [{rule.id}]({rule.id}.md) | `{rule.hazard}` | {rule.title} |" for rule in RULES]
    return "\n".join(["# Rules", "", "| rule | hazard | problem |", "|---|---|---|", *rows, ""])


def pages() -> dict[str, str]:
    """Return every file of docs/rules by name."""
    return {"index.md": index(), **{f"{rule.id}.md": page(rule) for rule in RULES}}


def _fenced(text: str) -> str:
    plain = "".join(c if c.isprintable() or c in "\n\t" else f"\\x{_code(c):02x}" for c in text)
    return f"```sql\n{plain.rstrip()}\n```"


def _code(character: str) -> int:
    """Return the byte that a lone surrogate stands for, else the character's own number."""
    return ord(character) & 0xFF if "\udc80" <= character <= "\udcff" else ord(character)


def main() -> None:
    """Write the pages and delete those of removed rules."""
    OUT.mkdir(exist_ok=True)
    wanted = pages()
    for old in OUT.glob("*.md"):
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        (OUT / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
