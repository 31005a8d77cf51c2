"""A table without rows leaves nothing to lose, so nothing is proven for its rows."""

import pytest

UNSEEDABLE = """
create function is_code(text) returns boolean immutable language sql as
  $$ select md5($1) = 'a9b7ba70783b617e9998dc4dd82eb3c5' $$;
create table codes (id bigint primary key, code text not null check (is_code(code)), note text);
create table parts (id bigint primary key);
"""
NO_ROWS = "[database]\nseed-rows = 0\n"
LOSES = {
    "a deletion": "delete from codes where id > 0 and id < 100;",
    "an update": "update codes set note = 'x' where id = 5;",
    "a dropped column": "alter table codes drop column note;",
    "another type": "alter table codes alter column note type varchar(3) using left(note, 3);",
    "TRUNCATE": "truncate codes;",
    "a WITH": "with d as (delete from codes returning 1) select 1 from d;",
    "a block": "do $$ begin execute 'delete from codes'; end $$;",
    "a function": (
        "create function purge() returns void language plpgsql as $$ begin delete from codes; end $$;\nselect purge();"
    ),
    "MERGE": "merge into codes c using parts p on c.id = p.id when matched then delete;",
}


@pytest.mark.parametrize("name", LOSES)
@pytest.mark.parametrize("settings", ["", NO_ROWS], ids=["check", "setting"])
def test_a_loss_that_no_row_can_show_is_an_error(change, name, settings):
    verdict = change(LOSES[name], "select 1;", base=UNSEEDABLE, settings=settings)
    assert verdict.code == 1, verdict.output
    found = [item for item in verdict.report["findings"] if item["hazard"] == "data-loss"]
    assert any(item["severity"] == "error" and item["verdict"] == "fact" for item in found), verdict.output
    assert "restored schema and data" not in (verdict.root / "comment.md").read_text()


@pytest.mark.parametrize("settings", ["", NO_ROWS], ids=["check", "setting"])
def test_an_addition_to_a_table_without_rows_is_not_proven(change, settings):
    verdict = change(
        "set local lock_timeout = '2s';\nalter table codes add column paid_on date;",
        "alter table codes drop column paid_on;",
        base=UNSEEDABLE,
        settings=settings,
    )
    assert verdict.code == 0, verdict.output
    assert verdict.finding("rows-not-proven")["severity"] == "warning"
    rollback = verdict.report["migrations"][-1]["rollback"]
    assert (rollback["proof"], rollback["schema_restored"], rollback["data_restored"]) == ("not-run", True, None)
    assert "public.codes" in rollback["message"]
    comment = (verdict.root / "comment.md").read_text()
    assert "not proven for all rows" in comment and "restored schema and data" not in comment


def test_a_table_with_rows_is_proven(change):
    verdict = change(
        "set local lock_timeout = '2s';\nalter table orders add column paid_on date;",
        "alter table orders drop column paid_on;",
        base=UNSEEDABLE,
    )
    assert verdict.code == 0 and verdict.report["migrations"][-1]["rollback"]["proof"] == "proven", verdict.output
