"""No name, message or setting of a pull request commands the runner or the terminal that shows the output."""

from __future__ import annotations

import pytest

from tests.hostile.conftest import BASE, BASE_DOWN, FIRST, SECOND, migration

TEXT = "\\x1b[2J\\n::error::x\\n  ::add-mask::a\\n##[error]x \\u202e"


@pytest.mark.parametrize("output", ["human", "json", "github"])
def test_a_server_message_and_a_setting_stay_text(pull_request, output):
    pull_request.write(migration(FIRST, BASE, BASE_DOWN))
    pull_request.commit()
    up = f"do $$ begin raise exception using message = E'{TEXT}', hint = E'{TEXT}'; end $$;"
    pull_request.write(
        migration(SECOND, up, "select 1;") | {"migrations/db/::error::x ##[error]x.up.sql": "select 1;\n"}
    )
    verdict = pull_request.gate("--output", output, "-v")
    assert verdict.code == 1
    _assert_harmless(verdict.output)
    pull_request.write({"kfm-ci.toml": f'"{TEXT}" = 1\n[gate]\nx = "{TEXT}"\n'})
    verdict = pull_request.gate("--output", output)
    assert verdict.code == 2
    _assert_harmless(verdict.output)


def _assert_harmless(output: str) -> None:
    stopped = ""
    assert not {"\x1b", "\u202e", "\r"} & set(output), output
    for line in output.split("\n"):
        command = line.lstrip()
        if command.startswith("::stop-commands::"):
            stopped = command.removeprefix("::stop-commands::")
        elif stopped:
            stopped = "" if command == f"::{stopped}::" else stopped
        elif command.startswith("::"):
            assert command.startswith(("::error file=", "::error title=kfm-ci", "::warning file=", "::notice file=")), (
                line
            )
        else:
            assert "##[" not in command, line
