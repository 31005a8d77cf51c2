import pytest

from kfm_ci.analysis.dangerous_statements import hazard_of, is_harmless_template
from kfm_ci.model import Hazard
from kfm_ci.sql import statements

HAZARDS = {
    "drop table a": Hazard.DATA_LOSS,
    "drop schema s cascade": Hazard.DATA_LOSS,
    "drop view v": Hazard.BREAKS_CLIENTS,
    "drop policy p on a": Hazard.PRIVILEGE,
    "drop index i": None,
    "truncate a": Hazard.DATA_LOSS,
    "delete from a where id = 1": Hazard.DATA_LOSS,
    "insert into a values (1)": None,
    "insert into a values (1) on conflict (id) do update set x = 1": Hazard.DATA_LOSS,
    "insert into a values (1) on conflict do nothing": None,
    "alter table a drop column b": Hazard.DATA_LOSS,
    "alter table a add column b int": None,
    "alter table a alter column b type text": Hazard.BREAKS_CLIENTS,
    "alter table a disable row level security": Hazard.PRIVILEGE,
    "alter table a rename to b": Hazard.BREAKS_CLIENTS,
    "alter index i rename to j": None,
    "alter type t rename value 'x' to 'y'": Hazard.BREAKS_CLIENTS,
    "alter type t add value 'z'": None,
    "alter sequence s restart": Hazard.BREAKS_CLIENTS,
    "alter sequence s cache 10": None,
    "grant all on a to app": Hazard.PRIVILEGE,
    "grant select on a to public": Hazard.PRIVILEGE,
    "grant select on a to app": None,
    "revoke select on a from app": None,
    "alter default privileges grant select on tables to public": Hazard.PRIVILEGE,
    "reassign owned by a to b": Hazard.PRIVILEGE,
}


@pytest.mark.parametrize("sql", HAZARDS)
def test_the_hazard_of_a_statement(sql):
    (tree,) = statements.parse(sql)
    assert hazard_of(tree) is HAZARDS[sql]


@pytest.mark.parametrize(
    ("expression", "harmless"),
    [
        ("format('grant select on %I to %I', t, r)", True),
        ("format('create index on %I (%I)', t, c)", True),
        ("format('grant select on %s to app', t)", False),
        ("format('drop table %I', t)", False),
        ("'grant select on ' || t", False),
        ("format(pattern, t)", False),
        ("format('select wipe(%L)', t)", False),
    ],
)
def test_a_template_is_harmless_if_every_statement_of_it_is(expression, harmless):
    assert is_harmless_template(expression) is harmless
