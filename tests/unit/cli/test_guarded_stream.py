from __future__ import annotations

import io
import json
import re
import subprocess
import sys

import pytest

from kfm_ci.cli.guarded_stream import GuardedStream, json_text
from kfm_ci.github import workflow_commands

COMMANDS = (
    "::set-env name=X::y",
    "::add-mask::a",
    "  ::error::x",
    "\t::stop-commands::x",
    "\u3000::error::x",
    "##[add-matcher]x",
    "text ##[error]x",
    "a\n::error::x",
    "a\r::error::x",
    "a\r\n::error::x",
    "a\x85::error::x",
    "a\u2028::error::x",
    "####[error]x",
    ":::error::x",
)


def commanded(text: str) -> bool:
    """Whether a runner finds a command: as its reader splits and trims lines."""
    lines = re.split(r"\r\n|\r|\n", text)
    return any(line.lstrip().startswith("::") or "##[" in line for line in lines)


@pytest.mark.parametrize("text", COMMANDS)
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_no_text_commands_the_runner_in_however_many_parts_it_is_written(text, size):
    assert commanded(text) or "\x85" in text or "\u2028" in text
    stream = io.StringIO()
    guarded = GuardedStream(stream)
    for start in range(0, len(text), size):
        guarded.write(text[start : start + size])
    assert not commanded(stream.getvalue()), stream.getvalue()


@pytest.mark.parametrize(
    "character", ["\x1b]0;title\x07", "\x1b[2J", "\x9b2J", "\x08", "\x00", "\u202e", "\u2066", "\u200b"]
)
def test_invisible_characters_are_spelled(character):
    stream = io.StringIO()
    GuardedStream(stream).write(f"a{character}b")
    assert "⟨U+" in stream.getvalue() and all(each.isprintable() for each in stream.getvalue())


@pytest.mark.parametrize(
    "text", ["a::b\n", "\x1b[1;31mred\x1b[0m\n", "größe → 3\n", "## [x]\n", "a\tb\n", "where: :x\n"]
)
def test_other_text_stays(text):
    stream = io.StringIO()
    GuardedStream(stream).write(text)
    assert stream.getvalue() == text


def test_own_commands_pass():
    stream = io.StringIO()
    with workflow_commands.quiet(GuardedStream(stream)):
        pass
    first, _, last = stream.getvalue().splitlines()
    assert first == f"::stop-commands::{last.strip(':')}" and last.startswith("::")


def test_json_means_the_same():
    text = json.dumps({"a": "##[error]\x7f"})
    stream = io.StringIO()
    GuardedStream(stream).write(json_text(text))
    assert json.loads(stream.getvalue()) == json.loads(text) and not commanded(stream.getvalue())


@pytest.mark.parametrize("name", ["::error::x", "\n::error::x", "##[error]x", "\x1b[31mx\x1b]0;t\x07", "\u202ex"])
@pytest.mark.parametrize(
    "command", [["check"], ["gate"], ["receipt", "show"], ["check", "--config"], ["rules"], ["no"]]
)
def test_a_hostile_argument_reaches_no_stream_raw(tmp_path, command, name):
    done = subprocess.run(
        [sys.executable, "-m", "kfm_ci", *command, name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    output = done.stdout + "\n" + done.stderr
    assert not commanded(output) and not {"\x1b", "\u202e", "\x07"} & set(output), output
    assert "Traceback" not in output
