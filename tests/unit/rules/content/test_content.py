"""Secrets, connection strings, personal data: found, masked, and near misses left alone."""

from __future__ import annotations

import time

import pytest

from kfm_ci.analysis.change import Requirements
from kfm_ci.analysis.header_keys import EXAMPLE
from kfm_ci.analysis.personal_data_patterns import personal_values
from kfm_ci.rules.content.connection_string import ConnectionString
from kfm_ci.rules.content.personal_data import PersonalData
from kfm_ci.rules.content.secret import Secret

ONE = Requirements(require_header=False, require_traceability=False, personal_data_threshold=1)

# Put together here, so that no scanner of this repository takes them for real.
SECRETS = {
    "aws": "AKI" + "AQ7RTZX2LMN4VBC3D",
    "github": "gh" + "p_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5",
    "github-pat": "github" + "_pat_11ABCDEFG0aB3dE5fG7hJ9_kL1mN3pQ5rS7t",
    "stripe": "sk" + "_live_aB3dE5fG7hJ9kL1mN3pQ5rS7",
    "slack": "xox" + "b-123456789012-abcdefghij12",
    "jwt": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlc2lnbmF0dXJl",
    "key": "-----BEGIN RSA " + "PRIVATE KEY-----",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_secret_is_found_on_its_line_and_never_shown(judge_text, secret):
    (found,) = judge_text(Secret(), f"create table t ();\n\ninsert into t values ('{secret}');\n")
    assert found.place.line == 3
    assert secret[2:8] not in found.message + (found.help or "")


@pytest.mark.parametrize(
    "sql",
    [
        "create role a password 'Kq7vTr2mZx91'",
        "ALTER USER a WITH ENCRYPTED PASSWORD 'md5aabbccddeeff'",
        "create user mapping for a server s options (user 'a', password 'Kq7v''x91')",
        "alter role a password E'Kq7vTr2m'",
    ],
)
def test_the_password_of_a_role_is_a_secret(judge_text, sql):
    (found,) = judge_text(Secret(), sql + ";")
    assert "Kq7v" not in found.message and "md5a" not in found.message


@pytest.mark.parametrize(
    "sql",
    [
        "alter role a password null",
        "create role a password :'pw'",
        "create role a password '${PASSWORD}'",
        "create role a password '********'",
        "create table users (password text not null, password_hash text default '')",
        "update users set password = crypt('x', gen_salt('bf'))",
        "comment on column users.password is 'hashed'",
        "select 'd41d8cd98f00b204e9800998ecf8427e', 'a94a8fe5ccb19ba61c4c0873d391e987982fbbd3'",
        "insert into t values ('550e8400-e29b-41d4-a716-446655440000')",
        "create table aws_keys (key_id text)",
    ],
)
def test_what_only_reads_like_a_secret_passes(judge_text, sql):
    assert judge_text(Secret(), sql + ";") == []


@pytest.mark.parametrize(
    "text",
    [
        "postgres://app:Zt4kPq81xw@db.acme.io/prod",
        "amqp://:Zt4kPq81xw@mq.acme.io",
        "jdbc:postgresql://h/d?user=a&password=Zt4kPq81xw",
        "host=db.acme.io user=app password=Zt4kPq81xw",
        "Server=db.acme.io;User=app;Password=Zt4kPq81xw",
    ],
)
def test_an_address_with_a_password_is_found_and_masked(judge_text, text):
    found = judge_text(ConnectionString(), f"select '{text}';")
    assert found and all("Zt4k" not in item.message for item in found)


@pytest.mark.parametrize(
    "text",
    [
        "postgres://app@db.acme.io/prod",
        "postgres://user:password@localhost/db",
        "postgres://app:${PW}@db.acme.io",
        "host=db.acme.io user=app",
        "https://example.com/a:b",
        "host=h dbname=d password=${PW}",
        "postgres://u:****@h/d",
    ],
)
def test_an_address_without_a_password_passes(judge_text, text):
    assert judge_text(ConnectionString(), f"select '{text}';") == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("e-mail address", "anna.keller@bluewin.ch"),
        ("payment card", "4539 5787 6362 1486"),
        ("payment card", "371449635398423"),
        ("IBAN", "DE44 5001 0517 5407 3249 31"),
        ("phone number", "+41 44 668 18 00"),
        ("phone number", "(212) 736-5000"),
        ("US social security number", "536-90-4399"),
        ("UK national insurance number", "JG 10 37 59 A"),
        ("Swiss AHV number", "756.9217.0769.85"),
        ("Spanish DNI", "54362315K"),
        ("Italian codice fiscale", "MRTMTT91D08F205J"),
    ],
)
def test_personal_data_is_known_by_its_shape_and_masked(judge_text, kind, value):
    (found,) = judge_text(PersonalData(), f"select '{value}';", requirements=ONE)
    assert kind in found.message
    assert value[3:] not in found.message


@pytest.mark.parametrize(
    "value",
    [
        "anna@example.com",
        "a@mail.example.org",
        "x@corp.test",
        "x@y.invalid",
        "x@host.local",
        "noreply@acme.io",
        "git@github.com:a/b",
        "4111111111111111",
        "4539 5787 6362 1487",
        "DE44 5001 0517 5407 3249 32",
        "GB82 WEST 1234 5698 7654 32",
        "+1 555 010 0199",
        "(555) 736-5000",
        "123-45-6789",
        "000-12-3456",
        "550e8400-e29b-41d4-a716-446655440000",
        "20260225120000",
        "2026-02-25 12:00:00+01",
        "user@host",
        "@>",
        "1234567890123456",
        "756.9217.0769.86",
        "54362315A",
        "10.0.0.1",
        "https://u:p@db.acme.io",
    ],
)
def test_synthetic_and_ordinary_values_are_no_personal_data(value):
    assert list(personal_values(f"select '{value}';")) == []


def test_fewer_distinct_values_than_the_threshold_pass(judge_text):
    two = "select 'anna.keller@bluewin.ch', 'j.novak@seznam.cz', 'Anna.Keller@bluewin.ch';"
    assert judge_text(PersonalData(), two) == []
    (found,) = judge_text(PersonalData(), two + " -- tom@btinternet.com")
    assert "3 distinct values" in found.message


def test_the_headers_own_contact_is_no_personal_data(judge_text):
    text = EXAMPLE.replace("payments-team", "ann@acme.io, bob@acme.io, cy@acme.io")
    assert judge_text(PersonalData(), text) == []


def test_what_the_base_already_has_is_history(judge):
    files = {"20260101_0000__init.up.sql": "create role a password 'Kq7vTr2mZx91';"}
    assert judge(Secret(), files, files) == []
    assert len(judge(Secret(), files)) == 1


@pytest.mark.parametrize(
    "piece",
    ["eyJ", "sk-T3BlbkFJ", "a@a.", "+41 44 ", "postgres://a:", "host=a ", "12 34 ", "copy ", "password '", "xoxb-1-"],
)
def test_hostile_text_takes_no_quadratic_time(judge_text, piece):
    text = piece * (300_000 // len(piece))
    started = time.process_time()
    for rule in (Secret(), ConnectionString(), PersonalData()):
        judge_text(rule, text)
    assert time.process_time() - started < 5


def test_what_the_head_kept_while_the_base_moved_on_is_history(judge):
    old = {"20260101_0000__init.up.sql": "create role a password 'Kq7vTr2mZx91';"}
    assert judge(Secret(), old, {"20260101_0000__init.up.sql": "create role a;"}, old) == []
