"""What a handler of `others` does about a failure."""

from __future__ import annotations

import pytest

from kfm_ci.sql.exception_handlers import HandlerAnswer, answer

BLOCK = """do $$
declare n int;
begin
  for n in 1..2 loop
    begin
      insert into t values (n);
    exception when unique_violation then raise;
      when others then {}
    end;
  end loop;
  perform 1;
end $$"""
TWICE = """create function f() returns int language plpgsql as $$
begin
  begin
    return 1;
  exception when others then
    raise;
  end;
exception when others then null;
end $$"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("null;", HandlerAnswer.NOTHING),
        ("continue;", HandlerAnswer.NOTHING),
        ("get stacked diagnostics n = message_text;", HandlerAnswer.NOTHING),
        ("raise notice 'no';", HandlerAnswer.MESSAGE),
        ("if n > 1 then raise warning 'no'; end if;", HandlerAnswer.MESSAGE),
        ("raise;", HandlerAnswer.ACTION),
        ("raise exception 'no';", HandlerAnswer.ACTION),
        ("n := 0;", HandlerAnswer.ACTION),
        ("insert into refused values (n);", HandlerAnswer.ACTION),
    ],
)
def test_only_a_handler_that_does_nothing_is_called_so(body: str, expected: HandlerAnswer) -> None:
    assert answer(BLOCK.format(body), 6) is expected


def test_a_function_that_returns_another_value_has_answered() -> None:
    text = (
        "create function f() returns int language plpgsql as $$ begin return 1; exception when others then "
        "return {}; end $$"
    )
    assert answer(text.format("0"), 1) is HandlerAnswer.ACTION


def test_what_stands_outside_a_guarded_block_is_caught_by_nobody() -> None:
    assert answer(BLOCK.format("null;"), 11) is None
    assert answer("do $$ begin perform 1; exception when unique_violation then null; end $$", 1) is None


def test_a_failure_that_a_handler_passes_on_is_answered_further_out() -> None:
    assert answer(TWICE, 4) is HandlerAnswer.ACTION
    assert answer(TWICE, 6) is HandlerAnswer.NOTHING


def test_of_two_handlers_on_one_line_the_one_that_does_most_counts() -> None:
    text = "do $$ begin {} exception when others then null; end $$"
    inner = "begin perform 1; exception when others then raise; end;"
    assert answer(text.format("perform 1;"), 1) is HandlerAnswer.NOTHING
    assert answer(text.format(inner), 1) is HandlerAnswer.ACTION


def test_a_body_that_does_not_parse_answers_nothing() -> None:
    assert answer("do $$ begin if; end $$", 1) is None
    assert answer("", 1) is None
