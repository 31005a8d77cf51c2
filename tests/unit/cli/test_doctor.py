"""What ``doctor`` says of the tool that was detected."""

from __future__ import annotations

import pytest

from kfm_ci.cli import doctor
from kfm_ci.migrations.model import Tool, ToolCommands, ToolInstallation, ToolTableNames


@pytest.mark.parametrize(
    ("up", "probe", "told"),
    [
        ("sh", (), "sh: /"),
        ("sh", ("sh", "-c", "exit 0"), "sh: /"),
        (
            "sh",
            ("sh", "-c", "echo no module named shop >&2; exit 1"),
            "but a dependency is NOT INSTALLED (no module named shop): npm ci",
        ),
        ("no-such-tool", (), "no-such-tool is NOT INSTALLED: npm ci"),
    ],
)
def test_what_is_missing_is_told_with_the_command_that_installs_it(tmp_path, up, probe, told):
    said = doctor._program(
        tmp_path,
        Tool(
            commands=ToolCommands(up=(up,)),
            tables=ToolTableNames(history="ran"),
            installation=ToolInstallation(
                check=probe,
                help="npm ci",
            ),
        ),
    )
    assert told in said and ("NOT INSTALLED" in said) == ("NOT INSTALLED" in told)
