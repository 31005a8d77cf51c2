"""SQL that is built at run time is judged like the same statement in the file, whoever builds it."""

import pytest

BUILDERS = {
    "execute": "do $b$ begin execute format('{sql}', 'orders'); end $b$;",
    "concatenation": "do $b$ declare t text := 'orders'; begin execute replace('{sql}', '%I', t); end $b$;",
    "function": (
        "create function run(t text) returns void language plpgsql as $b$ begin execute format('{sql}', t); end $b$;\n"
        "select run('orders');"
    ),
}
STATEMENTS = {
    "delete from %I where true": "data-loss",
    "truncate %I": "data-loss",
    "drop table %I cascade": "data-loss",
    "alter table %I drop column note": "data-loss",
    "alter table %I rename to orders_old": "breaks-clients",
    "update %I set note = ''''": "backfill",
    "create index on %I (total)": "blocks-writes",
}


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("statement", STATEMENTS)
def test_dynamic_sql_is_judged_by_its_text(change, statement, builder):
    verdict = change(BUILDERS[builder].replace("{sql}", statement))
    hazards = {item["hazard"] for item in verdict.report["findings"] if item["severity"] == "error"}
    assert verdict.code == 1 and STATEMENTS[statement] in hazards, verdict.output


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("statement", ["comment on table %I is ''Orders''", "alter table %I add column paid_on date"])
def test_harmless_dynamic_sql_passes(change, statement, builder):
    down = "comment on table orders is null;" if "comment" in statement else "alter table orders drop column paid_on;"
    drop = "drop function run(text);" if builder == "function" else ""
    verdict = change(BUILDERS[builder].replace("{sql}", statement), drop + down)
    assert verdict.code == 0, verdict.output


@pytest.mark.parametrize("builder", ["select wipe();", "do $b$ begin perform wipe(); end $b$;", "call wipe_all();"])
def test_a_function_of_the_base_is_judged_by_what_it_runs(change, builder):
    base = (
        "create function wipe() returns void language plpgsql as $b$ begin delete from orders; end $b$;\n"
        "create procedure wipe_all() language plpgsql as $b$ begin truncate orders; end $b$;\n"
    )
    verdict = change(builder, base=base)
    assert verdict.code == 1 and {"delete-without-where", "table-truncated"} & verdict.errors, verdict.output


def test_a_statement_nested_too_deeply_is_not_judged(change):
    verdict = change(f"select {'(' * 6000}1{')' * 6000};")
    assert verdict.code in {1, 3}, verdict.output
