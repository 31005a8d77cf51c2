from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from evidence_samples import calm, dangerous, hostile, nothing_new
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kfm_ci.evidence.model import Evidence
from kfm_ci.model import Finding, Hazard, Severity
from kfm_ci.report import html

VOID = {"meta", "br", "link", "img", "input", "hr"}
LOADING = {"script", "img", "link", "iframe", "object", "embed", "audio", "video", "base", "form", "use", "image"}


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.parametrize("evidence", [calm(), dangerous(), nothing_new()])
def test_the_page_is_well_formed_and_asks_nobody_for_anything(evidence: Evidence) -> None:
    text = html.render(evidence)
    page = Page(text)
    assert page.open == []
    assert not LOADING & set(page.tags)
    assert not {name for name, _ in page.attributes if name.startswith("on") or name in {"src", "style", "srcset"}}
    assert "url(" not in text and "@import" not in text


def test_the_content_policy_allows_our_style_and_nothing_else() -> None:
    text = html.render(dangerous())
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in text


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=40))
@example("\"><script>alert(1)</script><a href='javascript:x'>")
@example("``")
@example("{{ 7*7 }}{% raw %}\u202e")
def test_hostile_text_adds_no_tag_and_no_link(text: str) -> None:
    page, plain = Page(html.render(hostile(text))), Page(html.render(hostile("plain")))
    # what stands between backticks is shown as code, whoever set them
    assert [tag for tag in page.tags if tag != "code"] == [tag for tag in plain.tags if tag != "code"]
    assert [name for name, _ in page.attributes] == [name for name, _ in plain.attributes]


def test_hostile_text_is_shown_and_not_evaluated() -> None:
    words = "".join(Page(html.render(hostile("{{ 7*7 }}\u202e<b>"))).words)
    assert "{{ 7*7 }}⟨U+202E⟩<b>" in words


@pytest.mark.parametrize(
    "part",
    [
        "before",
        "bigint",
        "viewBox",
        "prefers-color-scheme: dark",
        "Schema differences after the rollback",
        "public.odd",
        "lines 12–14",
    ],
)
def test_the_page_shows(part: str) -> None:
    assert part in html.render(dangerous())


def test_what_a_sentence_sets_between_ticks_is_code_and_stays_escaped() -> None:
    found = Finding(
        rule="r", hazard=Hazard.HEADER, severity=Severity.ERROR, message="`<b>` is <i>, not ` alone", help="run `a`"
    )
    page = html.render(replace(calm(), findings=(found,)))
    assert "<code>&lt;b&gt;</code> is &lt;i&gt;, not ` alone" in page and "run <code>a</code>" in page
