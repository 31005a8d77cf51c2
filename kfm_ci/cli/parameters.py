"""Arguments and options that several commands share, with their helps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Directory = Annotated[Path, typer.Argument(help="The repository.")]
ConfigFile = Annotated[
    str | None, typer.Option("--config", help="Path of the configuration file, relative to the repository.")
]
Format = Annotated[str, typer.Option("--format", help="Migration tool, or auto to detect it.")]
Out = Annotated[Path, typer.Option("--out", help="Directory for reports and receipt.")]
Output = Annotated[str, typer.Option("--output", help="Output format: human, json or github.")]
BaseRef = Annotated[
    str | None, typer.Option("--base", help="Commit or branch to compare with; `none`: all migrations are new.")
]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show suppressed findings, locks and timings.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Show less output.")]
