"""The command line: one command a file; nothing else prints or exits.

A command loads its own modules when it runs: `--help` and `check` must not wait for the server's side. So no function here may have
the name of a module in this package: it would hide it.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from kfm_ci import __version__
from kfm_ci.errors import Cancelled, ExitCode, KfmError, UsageError
from kfm_ci.model import Risk

# Without markup mode: rich reads `[environments.NAME]` in a help text as markup, and drops it.
app = typer.Typer(
    name="kfm-ci",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The gate through which database migrations reach production.",
)
receipt = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at receipts.")
app.add_typer(receipt, name="receipt")

Directory = Annotated[Path, typer.Argument(help="The repository.")]
ConfigFile = Annotated[str | None, typer.Option("--config", help="Configuration file, relative to the repository.")]
Format = Annotated[str, typer.Option("--format", help="Migration tool.")]
Out = Annotated[Path, typer.Option("--out", help="Directory for reports and receipt.")]
Output = Annotated[str, typer.Option("--output", help="human, json or github.")]
BaseRef = Annotated[str | None, typer.Option("--base", help="What to compare with; `none`: everything is new.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Say more.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Say less.")]


def _version(value: bool) -> None:
    if value:
        typer.echo(f"kfm-ci {__version__}")
        raise typer.Exit


@app.callback()
def options(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False) -> None:
    """The gate through which database migrations reach production."""


@app.command("gate")
def judge_change(
    directory: Directory = Path(),
    config: ConfigFile = None,
    format: Format = "auto",
    out: Out = Path("kfm-ci-out"),
    output: Output = "human",
    base: BaseRef = None,
    engine: Annotated[str | None, typer.Option("--engine", help="auto, embedded, docker or service.")] = None,
    postgres_version: Annotated[int | None, typer.Option("--postgres-version", help="Major version.")] = None,
    database_url: Annotated[str | None, typer.Option("--database-url", help="For engine service.")] = None,
    fail_on: Annotated[str, typer.Option("--fail-on", help="low, medium, high or never.")] = "never",
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Judge new migrations with a real PostgreSQL."""
    from kfm_ci.cli import gate as gate_command

    _choice("--output", output, ("human", "json", "github"))
    _choice("--fail-on", fail_on, ("low", "medium", "high", "never"))
    if engine is not None:
        _choice("--engine", engine, ("auto", "embedded", "docker", "service"))
    arguments = gate_command.GateOptions(
        directory=directory,
        config_file=config,
        format=format,
        out=out,
        output=output,
        base=base,
        engine=engine,
        postgres_version=postgres_version,
        database_url=database_url,
        quiet=quiet,
        verbose=verbose,
        fail_on=None if fail_on == "never" else Risk(fail_on),
    )
    raise typer.Exit(gate_command.judge(arguments, Console(soft_wrap=True)).exit_code)


@app.command("check")
def check_files(
    paths: Annotated[list[Path] | None, typer.Argument(help="The repository, or files in it.")] = None,
    config: ConfigFile = None,
    format: Format = "auto",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Directory for findings.json and findings.sarif; without it nothing is written."),
    ] = None,
    output: Output = "human",
    base: BaseRef = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Apply the rules that need no server."""
    from kfm_ci.cli import check as check_command

    _choice("--output", output, ("human", "json", "github"))
    arguments = check_command.CheckOptions(
        paths=tuple(paths or [Path()]),
        config_file=config,
        format=format,
        base=base,
        out=out,
        output=output,
        verbose=verbose,
        quiet=quiet,
    )
    raise typer.Exit(check_command.check(arguments, Console(soft_wrap=True)))


@app.command("new")
def create_migration(
    description: Annotated[str | None, typer.Argument(help="What the migration does.")] = None,
    config: ConfigFile = None,
    number: Annotated[bool, typer.Option("--number", help="V000123 style.")] = False,
    down: Annotated[Path | None, typer.Option("--down", help="Write the down of this up file instead.")] = None,
    renumber: Annotated[Path | None, typer.Option("--renumber", help="Give this file a version after all.")] = None,
    base: BaseRef = None,
) -> None:
    """Make a pair of migration files named after all existing ones, or the down of an up that is written."""
    from kfm_ci.cli import new as new_command
    from kfm_ci.cli import renumber as renumbering
    from kfm_ci.clock import SystemClock

    if renumber is not None:
        for line in renumbering.renumber(Path(), renumber, config_file=config, base=base, now=SystemClock().now()):
            typer.echo(line)
        return
    if down is not None:
        typer.echo(new_command.take_back(Path(), down))
        return
    if description is None:
        raise UsageError(
            code="KFM-U43",
            message="nothing to make",
            expected="a description, --down FILE or --renumber FILE",
            help='kfm-ci new "add widgets table"',
        )
    for path in new_command.create(Path(), description, config_file=config, numbered=number or None):
        typer.echo(path)


@app.command()
def manifest(
    directory: Directory = Path(),
    config: ConfigFile = None,
    check: Annotated[bool, typer.Option("--check", help="Verify instead of write.")] = False,
) -> None:
    """Write or verify meta/manifest.json and meta/checksums.txt."""
    from kfm_ci.cli import new as new_command

    raise typer.Exit(new_command.manifest(directory, config_file=config, verify=check, say=typer.echo))


@app.command()
def rules(rule: Annotated[str | None, typer.Argument(help="Explain this one.")] = None) -> None:
    """List rules, or explain one."""
    from kfm_ci.rules.registry import RULES

    if rule is None:
        for item in RULES:
            typer.echo(f"{item.id:28} {item.hazard.value:20} {item.title}")
        return
    found = next((item for item in RULES if item.id == rule), None)
    if found is None:
        raise UsageError(code="KFM-U50", message="no such rule", got=rule, help="`kfm-ci rules` lists them")
    read = found.reading_example
    bad, good = (read.bad, read.good) if read else (found.bad, found.good)
    examples = "".join(f"\n{title}:\n{text}\n" for title, text in (("Bad", bad), ("Good", good)) if text)
    typer.echo(f"{found.id} ({found.hazard.value})\n{found.title}\n\n{found.why}\n{examples}")


@app.command("action", hidden=True)
def run_action() -> None:
    """Run as the container of the GitHub action: options are the inputs of action.yml."""
    from kfm_ci.cli import action as action_command

    raise typer.Exit(action_command.run())


@app.command("doctor")
def examine_machine(directory: Directory = Path(), config: ConfigFile = None) -> None:
    """Tell what this machine offers, which migration tool was detected, and why."""
    from kfm_ci.cli import doctor as doctor_command

    for line in doctor_command.lines(directory, config):
        typer.echo(line)


@app.command("stats")
def measure_tables(
    environment: Annotated[str, typer.Option("--environment", help="Name of a table [environments.NAME].")],
    directory: Directory = Path(),
    config: ConfigFile = None,
    to: Annotated[Path | None, typer.Option("--to", help="File to write; default: standard output.")] = None,
) -> None:
    """Write how large and busy the tables of a real database are, for `[database] statistics`."""
    from kfm_ci.cli import stats as stats_command

    text = stats_command.write(directory, environment=environment, to=to, config_file=config)
    typer.echo(to if to is not None else text, nl=to is not None)


@receipt.command("show")
def receipt_show(file: Annotated[Path, typer.Argument(help="receipt.json")]) -> None:
    """Print a receipt for people."""
    from kfm_ci.receipt import statement

    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(code="KFM-U51", message=f"cannot be read: {error.strerror}", where=str(file)) from error
    try:
        typer.echo(statement.show(data))
    except statement.MalformedJson as error:
        raise UsageError(code="KFM-U52", message=f"not a receipt: {error}", where=str(file)) from error


@receipt.command("schema")
def receipt_schema() -> None:
    """Print the JSON Schema of receipts."""
    from kfm_ci.receipt import schema

    typer.echo(json.dumps(schema.SCHEMA, indent=2, sort_keys=True))


def _choice(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(
            code="KFM-U41",
            message="not a possible value",
            where=option,
            got=value,
            expected=" | ".join(allowed),
            help=f"see kfm-ci --help for {option}",
        )


def _cancel(number: int, _frame: FrameType | None) -> None:
    # once is enough: a second signal must not interrupt the clearing up
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise Cancelled(code="KFM-X01", message="cancelled by a signal", signal_number=number)


def main() -> None:
    """Run the program; every end has its exit code, and none is a traceback for bad input."""
    signal.signal(signal.SIGTERM, _cancel)
    signal.signal(signal.SIGINT, _cancel)
    # psycopg tells there of roll-backs that failed on a dead connection: the error itself is told by us
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    errors = Console(stderr=True, soft_wrap=True)
    try:
        # outside standalone mode the code of typer.Exit is the returned value
        sys.exit(app(standalone_mode=False) or 0)
    except KfmError as error:
        errors.print(str(error), style="bold red", markup=False, highlight=False)
        if error.help:
            errors.print(f"  help: {error.help}", markup=False, highlight=False)
        sys.exit(error.code_of_exit)
    except typer.Abort:
        sys.exit(int(ExitCode.INTERRUPTED))
    except Exception as error:
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            # without any command the help was printed, and there is nothing to add
            said = error.format_message()
            errors.print(f"KFM-U42 {said}" if said else "KFM-U42 no command given", markup=False, highlight=False)
            sys.exit(int(ExitCode.USAGE))
        traceback.print_exc()
        errors.print("KFM-D01 this is a defect of kfm-ci; please report it with the lines above", markup=False)
        sys.exit(int(ExitCode.DEFECT))
