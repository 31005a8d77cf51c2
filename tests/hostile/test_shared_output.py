"""Two runs with one output directory do not mix their files."""

from __future__ import annotations

import fcntl
import os

from tests.hostile.conftest import BASE, BASE_DOWN, FIRST, migration


def test_a_second_run_on_the_same_output_ends_with_one_line(pull_request):
    pull_request.write(migration(FIRST, BASE, BASE_DOWN))
    pull_request.commit()
    pull_request.out.mkdir()
    (pull_request.out / "gate.json").write_text("{}")
    first = os.open(pull_request.out, os.O_RDONLY)
    fcntl.flock(first, fcntl.LOCK_EX)
    verdict = pull_request.gate()
    assert verdict.code == 3 and "KFM-C29" in verdict.output and not verdict.report, verdict.output
    os.close(first)
    assert pull_request.gate().code == 0
