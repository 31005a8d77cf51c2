"""Modules that a command imports before it starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest

from kfm_ci import cli

PROBE = "import sys; import kfm_ci.cli; print(*sorted(sys.modules))"


@pytest.mark.parametrize("library", ["psycopg", "github", "requests", "docker", "postgast", "jinja2", "pydantic"])
def test_help_imports_no_library_that_only_a_command_needs(library: str) -> None:
    loaded = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True).stdout.split()
    assert library not in loaded


@pytest.mark.parametrize("library", ["psycopg", "github", "requests", "docker", "jinja2", "asyncio"])
def test_check_imports_no_library_that_only_a_server_needs(library: str) -> None:
    probe = "import sys; import kfm_ci.cli.check; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split()
    assert library not in loaded


def test_no_command_hides_the_module_that_it_loads() -> None:
    modules = {path.stem for path in Path(cli.__file__).parent.glob("*.py")} - {"__init__"}
    functions = {name for name, value in vars(cli).items() if isinstance(value, FunctionType)}
    assert modules & functions == set()
