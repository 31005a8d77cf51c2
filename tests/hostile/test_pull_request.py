"""The pull requests of these tests themselves: a harmless change passes, a dropped table fails."""


def test_a_harmless_change_passes(change):
    verdict = change("alter table orders add column paid_on date;", "alter table orders drop column paid_on;")
    assert verdict.code == 0 and not verdict.errors, verdict.output


def test_a_dropped_table_fails(change):
    verdict = change("drop table orders cascade;", "select 1;")
    assert verdict.code == 1 and "table-dropped" in verdict.errors, verdict.output
