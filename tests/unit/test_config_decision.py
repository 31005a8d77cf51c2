"""Every setting declares who decides it, and the settings of a check follow the declarations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from kfm_ci import config
from kfm_ci.config_decision import changes, decider, settings_to_use

TABLES = (
    config.MigrationsTable,
    config.CommandTable,
    config.DatabaseTable,
    config.SmokeTable,
    config.PolicyTable,
    config.GithubTable,
    config.EnvironmentTable,
    config.DeclaredTable,
)


def settings(text: str) -> config.Config:
    return config.parse(text.encode(), where="kfm-ci.toml")


def undeclared(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        is_table = isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        if decider(field) is None and not is_table:
            yield f"{model.__name__}.{name}"


@pytest.mark.parametrize("model", [config.Config, *TABLES], ids=lambda model: model.__name__)
def test_every_setting_declares_who_decides_it(model: type[BaseModel]) -> None:
    assert list(undeclared(model)) == []


def test_an_undeclared_setting_is_found() -> None:
    class Broken(config.GithubTable):
        more: int = 1

    assert list(undeclared(Broken)) == ["Broken.more"]


@pytest.mark.parametrize(
    ("base", "head", "used"),
    [
        ("[policy]\nsquawk = true", "[policy]\nsquawk = false", "[policy]\nsquawk = true"),
        ("[policy]\nsquawk = true", "[policy.severity]\ndata-loss = 'off'", ""),
        ("[database]\nseed-rows = 9", "[database]\nrun-as = 'superuser'\nseed-rows = 0", "[database]\nseed-rows = 9"),
        ("[database]\nroles = ['a']", "[database]\nroles = ['b']", "[database]\nroles = ['a', 'b']"),
        (
            "[migrations.placeholders]\na = '1'",
            "[migrations.placeholders]\na = '2'\nb = '3'",
            "[migrations.placeholders]\na = '1'\nb = '3'",
        ),
        ("[smoke]\ncommand = 'a'", "[smoke]\ncommand = 'true'", "[smoke]\ncommand = 'a'"),
        ("[smoke]\ntimeout = 3", "[smoke]\ncommand = 'a'", "[smoke]\ntimeout = 3\ncommand = 'a'"),
        (
            "[migrations.command]\nup = 'a'",
            "[migrations.command]\nup = 'b'\npass-env = ['X']",
            "[migrations.command]\nup = 'a'",
        ),
        ("[migrations.command]\nup = 'a'", "", "[migrations.command]\nup = 'a'"),
        (
            "[[migration]]\nid = 'a'\nrisk = 'high'",
            "[[migration]]\nid = 'a'\nrisk = 'low'\n[[migration]]\nid = 'b'",
            "[[migration]]\nid = 'a'\nrisk = 'high'\n[[migration]]\nid = 'b'",
        ),
        (None, "[migrations.command]\nup = 'b'\npass-env = ['X']", "[migrations.command]\nup = 'b'"),
        (None, "[database]\nrun-as = 'superuser'\nseed-rows = 0\nimage = 'x'", "[database]\nrun-as = 'superuser'"),
        (None, "[policy.severity]\ndata-loss = 'off'\n[environments.a]\nsmoke = ['x']", ""),
    ],
)
def test_the_declarations_decide(base: str | None, head: str, used: str) -> None:
    assert settings_to_use(settings(base) if base is not None else None, settings(head)) == settings(used)


def test_a_change_is_shown_with_both_values_and_without_secrets() -> None:
    base = settings("[migrations.command]\nup = 'a'\n[migrations.command.env]\nTOKEN = 'hunter2'")
    head = settings("[migrations.command]\nup = 'b'\n[migrations.command.env]\nTOKEN = 'hunter3+'")
    found = changes(base, head, settings_to_use(base, head))
    assert [(item.key, item.is_used) for item in found] == [
        ("migrations.command.env.TOKEN", False),
        ("migrations.command.up", False),
    ]
    assert (found[1].old, found[1].new) == ('"a"', '"b"') and "hunter" not in str(found)
