"""Invisible and bidirectional control characters are found with their position; visible writing is left alone."""

from __future__ import annotations

import pytest

from kfm_ci.rules.content.invisible_character import InvisibleCharacter, suspects

HIDDEN = [
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
    *range(0x200B, 0x2010),
    *range(0x2060, 0x2065),
    *(0xFEFF, 0x00AD, 0x180E, 0x061C, 0x115F, 0x3164, 0x2028, 0x2029, 0x034F, 0xE0001, 0xE0041, 0xE007F, 0xE0100),
    *(0xE01EF, 0xFE00, 0xFE0F, 0x01, 0x08, 0x0B, 0x1B, 0x7F, 0x80, 0x85, 0x9B, 0xFFF9, 0x1D173),
]


@pytest.mark.parametrize("code", HIDDEN, ids=hex)
def test_a_hidden_character_is_found_at_its_place(judge_text, code):
    (found,) = judge_text(InvisibleCharacter(), f"select 1;\n\nselect a{chr(code)}b;\n")
    assert (found.place.line, found.place.column) == (3, 9)
    assert f"U+{code:04X}" in found.message and chr(code) not in found.message and found.severity == "error"


@pytest.mark.parametrize(
    "text",
    [
        "select 'Größe, naïve, 価格, цена, السعر';",
        "comment on table t is '👩‍👩‍👧 🏳️‍🌈 👍🏽 ❤️ 1️⃣ ™️';",
        "comment on table t is '🏴󠁧󠁢󠁥󠁮󠁧󠁿 and 🏴󠁧󠁢󠁷󠁬󠁳󠁿';",
        "comment on table t is 'می‌خواهم';",
        "comment on table t is 'क्‍ष';",
        "select 1;\r\n\tselect\f2;\n",
        "select '\u00a0', 'e\u0301';",
    ],
)
def test_visible_writing_is_left_alone(text):
    assert suspects(text) == {}


@pytest.mark.parametrize(
    "text",
    [
        "a\u200db",
        "👩\u200d",
        "\u200d👩",
        "🏴\U000e0064\U000e0072\U000e006f\U000e0070\U000e007f",
        "❤\ufe0f\ufe0f\ufe0f",
        "م\u200c ",
        "x\ufe0f",
    ],
)
def test_a_joiner_or_selector_elsewhere_hides_something(text):
    assert suspects(text)


def test_every_line_of_a_file_is_counted_once():
    text = "\u200b\n" * 3 + "a\u200b\u200bb"
    assert {line: [column for column, _ in found] for line, found in suspects(text).items()} == {
        1: [1],
        2: [1],
        3: [1],
        4: [2, 3],
    }
