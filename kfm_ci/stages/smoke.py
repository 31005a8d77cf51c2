"""Stage ``smoke``: SQL assertions and the application's own command, on the changed schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from kfm_ci.evidence.model import SmokeEvidence
from kfm_ci.migrations.model import Tree, Unreadable
from kfm_ci.model import Finding, Place, Severity
from kfm_ci.rules.server.execution import SMOKE_FAILED
from kfm_ci.stages.gate_input import GateInput
from kfm_ci.stages.results import (
    ApplyResult,
    DryRunResult,
    Provisioned,
    RollbackResult,
    SmokeResult,
)
from kfm_ci.stages.smoke_checks import verify_scripts
from kfm_ci.stages.smoke_checks.execution import command_failure, file_failure
from kfm_ci.stages.stage import Failed, Results, Skip, StageOutcome, keeping

COMMAND = "command"
"""Name of the application's own smoke test."""
EDITED = " (edited)"
"""Suffix of the name of a test whose version on the base commit runs as well."""


@dataclass(frozen=True, slots=True)
class Smoke:
    """Runs the smoke tests."""

    check_running_release: Callable[[Provisioned, ApplyResult], list[Finding]]
    """Returns findings on what the running release meets on the changed schema."""
    name = "smoke"

    def run(self, given: GateInput, done: Results) -> StageOutcome:
        """Run every assertion on a clone; fails when one does."""
        rolled_back, applied = done.get(RollbackResult), done.get(ApplyResult)
        base = rolled_back.provisioned if rolled_back else done.get(Provisioned)
        found: list[Finding] = []
        tests: tuple[SmokeEvidence, ...] = ()
        with keeping(lambda: StageOutcome(result=SmokeResult(tests=tests), findings=tuple(found))):
            if base is not None and applied is not None:
                found += self.check_running_release(base, applied)
            has_verify = any(item.verify for item in given.change.new)
            reason = None
            if not given.smoke_files and not given.config.smoke.command and not has_verify:
                reason = "No smoke test is configured: `[smoke]` `sql` or `command`."
            elif base is None or applied is None or done.status("apply") != "passed":
                reason = "The new migrations were not applied."
            if reason is None and base is not None and applied is not None:
                found += verify_scripts.check_skipped(base.new)
                seeded = base.server.create_database("smoke", template=applied.database)
                tests = _run_tests(base, seeded, given)
                dry_run = done.get(DryRunResult)
                has_rows = applied.seeded_base != base.base_database
                if dry_run and has_rows and not all(item.passed for item in tests):
                    unseeded = base.server.create_database("smoke_unseeded", template=dry_run.unseeded)
                    tests = _without_row_failures(tests, _run_tests(base, unseeded, given), found)
                failed = [item for item in tests if not item.passed]
                found += [_finding(item, Severity.ERROR, "Correct the migration or the assertion.") for item in failed]
                if failed:
                    raise Failed(f"{len(failed)} of {len(tests)} smoke tests failed.")
        if reason is not None:
            raise Skip(reason, StageOutcome(findings=tuple(found)))
        return StageOutcome(result=SmokeResult(tests=tests), findings=tuple(found), message=f"{len(tests)} passed")


def _run_tests(base: Provisioned, database: str, given: GateInput) -> tuple[SmokeEvidence, ...]:
    """Run all smoke tests, in order, on one database."""
    results = [
        (f"{path}{EDITED if is_second else ''}", _file(base, database, tree, path))
        for path in given.smoke_files
        for tree, is_second in _versions(given, path)
    ]
    results += verify_scripts.run_scripts(base, database)
    if base.config.smoke.command:
        results.append((COMMAND, command_failure(base, database, base.config.smoke.command)))
    return tuple(SmokeEvidence(name=name, passed=message is None, message=message) for name, message in results)


def _versions(given: GateInput, path: str) -> Iterator[tuple[Tree, bool]]:
    """Yield the trees whose version of a file runs, and whether it runs in addition to the base commit's."""
    before, tree = given.change.before, given.change.tree
    has_before = before is not None and path in given.base_smoke_files
    if before is not None and has_before:
        yield before, False
    if not has_before or (path in given.edited_smoke_files and tree.exists(path)):
        yield tree, has_before


def _file(base: Provisioned, database: str, tree: Tree, path: str) -> str | None:
    try:
        text = tree.read(path).decode("utf-8")
    except (Unreadable, UnicodeDecodeError) as error:
        return f"The file cannot be read: {error}"
    return file_failure(base, database, path, text)


def _without_row_failures(
    tests: tuple[SmokeEvidence, ...], unseeded: tuple[SmokeEvidence, ...], found: list[Finding]
) -> tuple[SmokeEvidence, ...]:
    """Pass tests that fail on synthetic rows only, with a warning: an assertion may require more than the schema."""
    passed = []
    for item, without_rows in zip(tests, unseeded, strict=True):
        if not item.passed and without_rows.passed:
            message = f"On synthetic rows: {(item.message or '').removesuffix('.')}. It passes without them."
            item = replace(item, passed=True, message=message)
            help = "Check whether the migration handles such rows, or forbid them in the schema."
            found.append(_finding(item, Severity.WARNING, help))
        passed.append(item)
    return tuple(passed)


def _finding(item: SmokeEvidence, severity: Severity, help: str) -> Finding:
    path = None if item.name == COMMAND else item.name.removesuffix(EDITED)
    place = Place(file=path, line=1 if path else None)
    return SMOKE_FAILED.finding(item.message or "The test failed.", help=help, place=place, severity=severity)
