"""Write the tables of docs/action.md from action.yml; with ``--check`` exit 1 if they differ."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "action.md"


def table(items: dict[str, Any], *, defaults: bool) -> str:
    head = "| name | default | meaning |\n|---|---|---|\n" if defaults else "| name | meaning |\n|---|---|\n"
    rows = []
    for name, item in items.items():
        default = f" `{item['default']}` |" if defaults and item["default"] else " |" if defaults else ""
        rows.append(f"| `{name}` |{default} {item['description']} |\n")
    return head + "".join(rows)


def page(text: str) -> str:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    for name, defaults in (("inputs", True), ("outputs", False)):
        mark = f"<!-- {name} -->\n"
        inner = mark + table(action[name], defaults=defaults) + mark
        text = re.sub(f"{re.escape(mark)}.*?{re.escape(mark)}", lambda _, inner=inner: inner, text, flags=re.S)
    return text


if __name__ == "__main__":
    old = PAGE.read_text(encoding="utf-8")
    new = page(old)
    if "--check" not in sys.argv:
        PAGE.write_text(new, encoding="utf-8")
    elif old != new:
        sys.exit("docs/action.md differs from action.yml: run python docs/generate_action.py")
