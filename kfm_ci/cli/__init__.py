"""The command line: one command per file; no other package prints or exits.

A command imports its modules when it runs, so that `--help` and `check` start quickly. No function here may have
the name of a module in this package, which it would hide.
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
from kfm_ci.cli.guarded_stream import standard_streams
from kfm_ci.cli.parameters import BaseRef, ConfigFile, Directory, Format, Out, Output, Quiet, Verbose
from kfm_ci.errors import Cancelled, ExitCode, KfmError, UsageError
from kfm_ci.model import Risk
from kfm_ci.report.escape import visible

# Without markup mode: rich reads `[environments.NAME]` in a help text as markup, and drops it.
app = typer.Typer(
    name="kfm-ci",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Check database migrations on a real PostgreSQL server before they reach production.",
)
receipt = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Print receipts and their schema.")
app.add_typer(receipt, name="receipt")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"kfm-ci {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Check database migrations on a real PostgreSQL server before they reach production."""


@app.command("gate")
def run_gate(
    directory: Directory = Path(),
    config: ConfigFile = None,
    format: Format = "auto",
    out: Out = Path("kfm-ci-out"),
    output: Output = "human",
    base: BaseRef = None,
    engine: Annotated[
        str | None, typer.Option("--engine", help="PostgreSQL engine: auto, embedded, docker or service.")
    ] = None,
    postgres_version: Annotated[
        int | None, typer.Option("--postgres-version", help="PostgreSQL major version.")
    ] = None,
    database_url: Annotated[
        str | None, typer.Option("--database-url", help="URL of the server, for engine service.")
    ] = None,
    fail_on: Annotated[
        str, typer.Option("--fail-on", help="Fail at this assessed risk: low, medium, high or never.")
    ] = "never",
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Check new migrations on a real PostgreSQL server."""
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
    """Check migrations statically, without a server."""
    from kfm_ci.cli import check as check_command

    _choice("--output", output, ("human", "json", "github"))
    exit_code = check_command.check(
        paths or [Path()],
        config_file=config,
        format=format,
        base=base,
        out=out,
        output=output,
        verbose=verbose,
        quiet=quiet,
        console=Console(soft_wrap=True),
    )
    raise typer.Exit(exit_code)


@app.command("new")
def create_migration(
    description: Annotated[str | None, typer.Argument(help="Description of the migration.")] = None,
    config: ConfigFile = None,
    number: Annotated[bool, typer.Option("--number", help="Use numbered names such as V000123.")] = False,
    down: Annotated[Path | None, typer.Option("--down", help="Generate the down migration of this up file.")] = None,
    renumber: Annotated[
        Path | None, typer.Option("--renumber", help="Assign the next free version to this file.")
    ] = None,
    base: BaseRef = None,
) -> None:
    """Create up and down files with the next version, or generate a down file."""
    from kfm_ci.cli import new as new_command
    from kfm_ci.cli import renumber as renumbering
    from kfm_ci.clock import SystemClock

    if renumber is not None:
        for line in renumbering.renumber(Path(), renumber, config_file=config, base=base, now=SystemClock().now()):
            typer.echo(line)
        return
    if down is not None:
        typer.echo(new_command.write_down(Path(), down))
        return
    if description is None:
        raise UsageError(
            code="KFM-U43",
            message="The command has nothing to create.",
            expected="a description, --down FILE or --renumber FILE",
            help='Run `kfm-ci new "add widgets table"`.',
        )
    for path in new_command.create(Path(), description, config_file=config, numbered=number or None):
        typer.echo(path)


@app.command()
def manifest(
    directory: Directory = Path(),
    config: ConfigFile = None,
    check: Annotated[bool, typer.Option("--check", help="Verify the files instead of writing them.")] = False,
) -> None:
    """Write or verify meta/manifest.json and meta/checksums.txt."""
    from kfm_ci.cli import new as new_command

    raise typer.Exit(new_command.manifest(directory, config_file=config, verify=check, report=typer.echo))


@app.command()
def rules(rule: Annotated[str | None, typer.Argument(help="Id of the rule to explain.")] = None) -> None:
    """List all rules, or explain one."""
    from kfm_ci.rules.registry import RULES

    if rule is None:
        for item in RULES:
            typer.echo(f"{item.id:28} {item.hazard.value:20} {item.title}")
        return
    found = next((item for item in RULES if item.id == rule), None)
    if found is None:
        raise UsageError(
            code="KFM-U50", message="The rule does not exist.", got=rule, help="Run `kfm-ci rules` to list the rules."
        )
    read = found.reading_example
    bad, good = (read.bad, read.good) if read else (found.bad, found.good)
    examples = "".join(f"\n{title}:\n{text}\n" for title, text in (("Bad", bad), ("Good", good)) if text)
    typer.echo(f"{found.id} ({found.hazard.value})\n{found.title}\n\n{found.why}\n{examples}")


@app.command("action", hidden=True)
def run_action() -> None:
    """Run the GitHub action with the inputs of action.yml."""
    from kfm_ci.cli import action as action_command

    raise typer.Exit(action_command.run())


@app.command("doctor")
def show_environment(directory: Directory = Path(), config: ConfigFile = None) -> None:
    """Show available PostgreSQL engines and the detected migration tool."""
    from kfm_ci.cli import doctor as doctor_command

    for line in doctor_command.lines(directory, config):
        typer.echo(line)


@app.command("stats")
def export_statistics(
    environment: Annotated[str, typer.Option("--environment", help="Name of a table `[environments.NAME]`.")],
    directory: Directory = Path(),
    config: ConfigFile = None,
    to: Annotated[Path | None, typer.Option("--to", help="File to write; default: standard output.")] = None,
) -> None:
    """Export table sizes and activity from a database, for `[database] statistics`."""
    from kfm_ci.cli import stats as stats_command

    text = stats_command.write(directory, environment=environment, to=to, config_file=config)
    typer.echo(to if to is not None else text, nl=to is not None)


@receipt.command("show")
def receipt_show(file: Annotated[Path, typer.Argument(help="Path of a receipt.json.")]) -> None:
    """Print a receipt in readable form."""
    from kfm_ci.receipt import statement

    try:
        typer.echo(statement.show(file.read_bytes()))
    except (OSError, statement.MalformedJson) as error:
        code, fault = ("KFM-U51", "cannot be read") if isinstance(error, OSError) else ("KFM-U52", "is not a receipt")
        reason = error.strerror if isinstance(error, OSError) else error
        help = "Name a `receipt.json` that kfm-ci wrote."
        raise UsageError(code=code, message=f"The file {fault}: {reason}.", where=str(file), help=help) from error


@receipt.command("schema")
def receipt_schema() -> None:
    """Print the JSON Schema of receipts."""
    from kfm_ci.receipt import schema

    typer.echo(json.dumps(schema.SCHEMA, indent=2, sort_keys=True))


def _choice(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(
            code="KFM-U41",
            message="The value is not allowed.",
            where=option,
            got=value,
            expected=" | ".join(allowed),
            help="Use one of the allowed values.",
        )


def _cancel(number: int, _frame: FrameType | None) -> None:
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # a second signal must not interrupt the cleanup
    raise Cancelled(code="KFM-X01", message="The run was cancelled by a signal.", signal_number=number)


@standard_streams()
def main() -> None:
    """Run the program with the exit codes of the contract, and without a traceback for bad input."""
    signal.signal(signal.SIGTERM, _cancel)
    signal.signal(signal.SIGINT, _cancel)
    # psycopg logs failed rollbacks on a dead connection there; the error itself is reported here
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    errors = Console(stderr=True, soft_wrap=True)
    try:
        # outside standalone mode the code of typer.Exit is the returned value
        sys.exit(app(standalone_mode=False) or 0)
    except KfmError as error:
        errors.print(visible(str(error)), style="bold red", markup=False, highlight=False)
        if error.help:
            errors.print(f"  help: {visible(error.help)}", markup=False, highlight=False)
        sys.exit(error.code_of_exit)
    except typer.Abort:
        sys.exit(int(ExitCode.INTERRUPTED))
    except Exception as error:
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            # without a command the help is already printed
            errors.print(
                f"KFM-U42 {visible(error.format_message() or 'No command is given.')}", markup=False, highlight=False
            )
            sys.exit(int(ExitCode.USAGE))
        traceback.print_exc()
        errors.print("KFM-D01 This is a defect of kfm-ci. Report it with the lines above.", markup=False)
        sys.exit(int(ExitCode.DEFECT))
