"""SQL inside PL/pgSQL is found as the server would see it."""

from __future__ import annotations

import pytest

from kfm_ci.evidence.compatibility import function_bodies

BODY = """
declare total int; r record;
begin
  insert into log (a, b) values (new.id, p_name);
  select count(*), max(x) into strict total, r.a from orders o where o.id = p_id and o.state = 'new';
  if total > 3 then update orders set state = 'big' where id = new.id; end if;
  for r in select name from widgets where n > total loop
    perform pg_notify('x', r.name);
  end loop;
  return query select id from widgets;
  return new;
end
"""


def test_statements_are_taken_out_with_variables_as_parameters() -> None:
    assert list(function_bodies.extract_queries(BODY, ["p_name", "p_id"])) == [
        "insert into log (a, b) values ($1, $2)",
        "select count(*), max(x)  from orders o where o.id = $1 and o.state = 'new'",
        "update orders set state = 'big' where id = $1",
        "select name from widgets where n > $1 ",
        "select pg_notify('x', $1)",
        "select id from widgets",
    ]


def test_what_a_trigger_takes_from_its_row_is_known() -> None:
    assert function_bodies.trigger_columns('begin if new.a > old."B" then x := news.c; end if; end') == {"a", "B"}


@pytest.mark.parametrize(
    ("body", "queries"),
    [
        ("", []),
        ("begin", []),
        ("begin into; end", []),
        ("select into", ["select "]),
        ("begin select 1 into; end", ["select 1 "]),
        ("begin return $1; end", []),
    ],
)
def test_a_body_that_makes_no_sense_is_read_without_an_error(body: str, queries: list[str]) -> None:
    assert list(function_bodies.extract_queries(body, [])) == queries
