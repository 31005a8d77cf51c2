from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from kfm_ci.report import escape

BITS = ("@", "octocat", "<!--", "-->", "</details>", "<details>", "|", "`", "``", "~~~", "\n", "\r", "\\", "[x](", ")")
MORE = (
    "https://evil.example",
    "www.evil.example",
    "#12",
    "$x$",
    "<img src=x>",
    "**",
    "_",
    "\u202e",
    "\x1b[31m",
    "&#64;",
)
HOSTILE = st.lists(
    st.sampled_from(BITS + MORE + ("- ", "1. ", "# ", "> ", " ", "a", "\x00", "=")) | st.text(max_size=6)
)
TEXTS = HOSTILE.map("".join)
MARKDOWN = MarkdownIt("commonmark").enable("table")


def inline_tokens(text: str) -> list[tuple[str, str]]:
    children = [child for token in MARKDOWN.parse(text) if token.type == "inline" for child in token.children or []]
    return [(child.type, child.content) for child in children]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_inline_text_renders_as_text_alone(text: str) -> None:
    tokens = inline_tokens(f"- {escape.inline(text)}")
    assert {kind for kind, _ in tokens} <= {"text", "text_special"}


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_inline_text_never_mentions_links_or_refers(text: str) -> None:
    shown = "".join(content for _, content in inline_tokens(f"x {escape.inline(text)}"))
    assert not re.search(r"@\w|#\w|://|(?i:www\.)", shown)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_inline_text_shows_every_visible_character_it_was_given(text: str) -> None:
    shown = "".join(content for _, content in inline_tokens(f"x{escape.inline(text, 10_000)}"))
    assert shown.replace("\u200b", "") == "x" + escape.single_line(text)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_a_code_span_in_a_table_stays_one_cell_and_one_span(text: str) -> None:
    tokens = MARKDOWN.parse(f"| a | b |\n|---|---|\n| {escape.code(text)} | end |\n")
    cells = [token.content for token in tokens if token.type == "inline"]
    assert len(cells) == 4 and cells[3] == "end"
    kinds = [kind for kind, _ in inline_tokens(escape.code(text))]
    assert kinds == ["code_inline"] or (kinds[0], kinds[-1]) == ("html_inline", "html_inline")
    assert kinds.count("html_inline") in {0, 2}


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_inline_text_in_a_table_stays_one_cell(text: str) -> None:
    tokens = MARKDOWN.parse(f"| a | b | c |\n|---|---|---|\n| start | {escape.inline(text)} | end |\n")
    cells = [token.content for token in tokens if token.type == "inline"]
    assert len(cells) == 6 and (cells[3], cells[5]) == ("start", "end")


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_nothing_in_a_fence_closes_it(text: str) -> None:
    tokens = MARKDOWN.parse(f"{escape.fence(text, 'sh')}\n\nafter")
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.seen.append("comment")


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_a_summary_holds_no_tag(text: str) -> None:
    parser = _Tags()
    parser.feed(f"<summary>{escape.summary(text)}</summary>")
    assert parser.seen == ["summary", "/summary"]


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\x1b", "\x00", "\u200b", "\ufeff", "\u2028", "\ud800"])
def test_invisible_characters_are_made_visible(hidden: str) -> None:
    assert escape.visible(f"a{hidden}b") == f"a⟨U+{ord(hidden):04X}⟩b"


@given(st.text())
def test_mermaid_text_holds_no_syntax(text: str) -> None:
    assert re.fullmatch(r"[0-9A-Za-z_.]+", escape.mermaid(text))


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", 'https://a.b/"onclick=', "https://a b", "http://a)b", "https://a<b", "", None]
)
def test_an_odd_address_is_not_linked(address: str | None) -> None:
    assert escape.web_address(address) is None


def test_a_plain_address_is_linked() -> None:
    assert escape.web_address("https://github.com/acme/app/issues/12") is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("run `a b` now", "run `a b` now"),
        ("`a|b` and `c`", "<code>a&#124;b</code> and `c`"),
        ("a lone ` tick", "a lone \\` tick"),
        ("`a` and ` tick", "`a` and \\` tick"),
        ("`*a*` *b* <i>", "`*a*` \\*b\\* &lt;i&gt;"),
        ("- `x`", "\u200b- `x`"),
    ],
)
def test_what_a_sentence_sets_between_ticks_is_code_and_all_else_is_text(text: str, expected: str) -> None:
    assert escape.prose(text) == expected


@given(st.text(alphabet="`|\\<a @*\n", max_size=40))
def test_no_ticks_in_a_name_open_or_close_code_elsewhere(text: str) -> None:
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(escape.prose(f"before {text} after"))
    assert html.startswith("<p>before") and html.rstrip().endswith("after</p>")
    assert not re.search(r"<(?!/?(?:p|code)>)", html)


def test_code_that_does_not_fit_is_left_out_whole() -> None:
    assert escape.prose("run `a b` and `drop table everything` now", 24) == "run `a b` and …"
