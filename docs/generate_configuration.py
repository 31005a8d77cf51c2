"""Writes docs/configuration.md and docs/kfm-ci.schema.json from the settings' models: run it after a key is added."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from kfm_ci import config
from kfm_ci.config_decision import Decider, decider

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
MEANING = {
    Decider.BASE: "That of the base commit. If it has no settings file, the default.",
    Decider.ADOPTION: "That of the base commit. If it has no settings file, that of the head.",
    Decider.BOTH: "That of the base commit. The head may add to it, and may set what the base does not set.",
    Decider.HEAD: "That of the head, for its new migrations.",
}


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
        "## Who decides",
        "",
        "A change does not choose how it is checked. Wherever a base commit is known, it decides as the column",
        "*decided by* says. A changed setting is reported with its old and new value. The base commit is that of",
        "the pull request, of `--base`, or the merge base with the default branch.",
        "",
        "| decided by | value that a check uses |",
        "|---|---|",
        *(f"| {name.value} | {MEANING[name]} |" for name in Decider),
        "",
        "- Migrations are checked where the base commit's settings find them.",
        "- Migrations that the change edits and only the head's settings find are reported as not checked. So is a",
        "  second directory of migrations that the change adds.",
        "- If a change moves all migrations unchanged, kfm-ci checks the new directory and reports the move.",
        "- Smoke tests run as they are on the base commit. Edited ones run in both versions.",
        "- Only the base commit can name an extension that opens connections, files or programs, such as `dblink`.",
        "- Options, environment variables and inputs of the action belong to the workflow, and are always used.",
        "",
    ]
    for title, model in SECTIONS:
        lines += [
            f"## `{title}`",
            "",
            *NOTES.get(title, ()),
            "| key | default | decided by | meaning |",
            "|---|---|---|---|",
        ]
        for name, field in model.model_fields.items():
            default = "required" if field.is_required() else f"`{json.dumps(field.default, default=list)}`"
            chosen = decider(field)
            lines.append(f"| `{field.alias or name}` | {default} | {chosen or ''} | {field.description or ''} |")
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
