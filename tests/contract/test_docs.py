"""The documentation names existing pages, formats, settings and rules, and all of them."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from kfm_ci.migrations.formats import ALL
from kfm_ci.rules.registry import RULES

ROOT = Path(__file__).resolve().parents[2]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
_LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


@pytest.mark.parametrize("format", [item.name for item in ALL])
def test_every_format_has_a_page_that_the_index_names(format: str) -> None:
    page = ROOT / "docs" / "tools" / f"{format}.md"
    index = (ROOT / "docs" / "tools" / "index.md").read_text(encoding="utf-8")
    if format == "kfm":
        assert "`kfm`" in index
        return
    text = page.read_text(encoding="utf-8")
    assert f"({format}.md)" in index and f'format = "{format}"' in text
    assert "## Checked" in text and "## Not checked" in text or format == "command"


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_no_link_leads_nowhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert [link for link in _LINK.findall(text) if not (page.parent / link).exists()] == []


def test_the_configuration_is_documented_as_it_is() -> None:
    found = importlib.util.spec_from_file_location(
        "generate_configuration", ROOT / "docs" / "generate_configuration.py"
    )
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    written = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in module.pages()}
    assert written == module.pages(), "run: python docs/generate_configuration.py"
    assert {model for _, model in module.SECTIONS} >= {
        getattr(field.annotation, "__args__", (field.annotation,))[-1] if name == "environments" else field.annotation
        for name, field in module.config.Config.model_fields.items()
        if name != "migration"
    }


def test_every_finding_that_the_program_can_make_is_explained() -> None:
    known = {rule.id for rule in RULES}
    for path in (ROOT / "kfm_ci").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                named = [
                    item.value
                    for item in node.keywords
                    if item.arg == "rule" and getattr(node.func, "id", "") == "Finding"
                ]
                named += node.args[:1] if ast.unparse(node.func) in {"case.find", "self.report"} else []
                for value in named:
                    if isinstance(value, ast.Constant) and isinstance(value.value, str) and "-" in value.value:
                        assert value.value in known, f"{path}: {value.value}"
