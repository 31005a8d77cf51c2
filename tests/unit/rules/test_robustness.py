"""No text makes a rule crash."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kfm_ci.rules import ALL
from kfm_ci.rules.base import Requirements

PIECES = st.sampled_from(
    [
        "insert into t values (",
        "copy t from stdin;\n",
        "\\.\n",
        "'",
        '"',
        "$$",
        "a@b.ch",
        "+41 44 668 18 00",
        "--",
        "/*",
        "(",
        ")",
        "password '",
        "://a:b@c",
        "DE44500105175407324931",
        "٣٤٥٦",
        "eyJhbGciOiJIUzI1NiJ9.",
        "\n",
        "\r",
        "\0",
        "\ud7ff",
        "756.١",
        ";",
    ]
)
TEXT = st.lists(PIECES | st.text(max_size=8), max_size=30).map("".join)
ONE = Requirements(
    require_header=True,
    require_traceability=True,
    require_manifest=True,
    personal_data_threshold=1,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXT, body=TEXT, before=TEXT)
def test_no_text_makes_a_rule_crash(judge, text, body, before):
    text, before = (part.encode("utf-8", "replace") for part in (text, before))
    head = {
        "V2__two.up.sql": text,
        "V1__one.up.sql": text,
        "x.sql": text,
        "meta/manifest.json": text,
        "meta/checksums.txt": text,
    }
    for rule in ALL:
        for found in judge(rule, head, {"V1__one.up.sql": before}, body=body, requirements=ONE):
            assert "\n" not in found.message and "\0" not in found.message
