from __future__ import annotations

import pytest

from kfm_ci.migrations.files import Script, SourceFile
from kfm_ci.model import Digest, Mode, Outcome
from kfm_ci.postgres.apply import Applied
from kfm_ci.stages import remedy

FILE = SourceFile(path="a.sql", data=b"", text="", sha256=Digest.of(b""))


@pytest.mark.parametrize(
    ("error", "setting"),
    [
        ('42501: permission denied to create extension "uuid-ossp"', 'extensions = ["uuid-ossp"]'),
        ("42501: permission denied to create role", 'run-as = "superuser"'),
        ('42704: role "app reader" does not exist', 'roles = ["app reader"]'),
        ('22023: role "postgres" does not exist', 'roles = ["postgres"]'),
    ],
)
def test_what_a_plain_owner_may_not_do_names_the_setting_to_write(error: str, setting: str) -> None:
    done = Applied(outcome=Outcome.FAILED, mode=Mode.TRANSACTION, duration_ms=1.0, error=error, sqlstate=error[:5])
    assert setting in str(remedy.of(done, Script(file=FILE, text="")))
