"""Writes docs/configuration.md and docs/kfm-ci.schema.json from the settings' models: run it after a key is added."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from kfm_ci import config

HERE = Path(__file__).parent
SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("[migrations]", config.MigrationsTable),
    ("[migrations.command]", config.CommandTable),
    ("[database]", config.DatabaseTable),
    ("[smoke]", config.SmokeTable),
    ("[policy]", config.PolicyTable),
    ("[github]", config.GithubTable),
    ("[environments.NAME]", config.EnvironmentTable),
    ("[[migration]]", config.DeclaredTable),
)
NOTES = {
    "[environments.NAME]": (
        "`kfm-ci stats` reads `database-url-env`. The other keys are for a promotion, which does not exist yet.",
        "",
    )
}
"""Paragraphs between the heading of a section and its table."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the configuration, for editors."""
    found = config.Config.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": "kfm-ci configuration"}


def reference() -> str:
    """Return the configuration reference as Markdown, one table a section."""
    lines = [
        "# Configuration",
        "",
        "Write settings to `kfm-ci.toml` at the repository's root, or to `[tool.kfm-ci]` in `pyproject.toml`.",
        "",
    ]
    for title, model in SECTIONS:
        lines += [f"## `{title}`", "", *NOTES.get(title, ()), "| key | default | meaning |", "|---|---|---|"]
        for name, field in model.model_fields.items():
            default = "required" if field.is_required() else f"`{json.dumps(field.default, default=list)}`"
            lines.append(f"| `{field.alias or name}` | {default} | {field.description or ''} |")
        lines.append("")
    return "\n".join(lines)


def pages() -> dict[str, str]:
    """Return the text of each page by its name in this directory."""
    return {
        "configuration.md": reference(),
        "kfm-ci.schema.json": json.dumps(schema(), indent=2, ensure_ascii=False) + "\n",
    }


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")
