"""What a file of Python assigns, read without running it."""

from __future__ import annotations

import pytest

from kfm_ci.migrations.layouts.python_assignments import read

NEWER = "except ValueError, TypeError:\n    pass\n"


@pytest.mark.parametrize("rest", ["", NEWER, "(((\n", "x = shop.0002_a\n"])
def test_names_are_read_also_where_the_rest_is_of_another_python(rest):
    said = read(f"revision: str = 'b'\ndown_revision = (\n    'a',\n    'c',\n)\ndepends_on = make()\n{rest}")
    assert said is not None
    assert said.literal("revision") == "b" and said.literal("down_revision") == ("a", "c")
    assert said.values["down_revision"].lineno == 2 and said.values["down_revision"].end_lineno == 5
    assert said.literal("depends_on") is None and "depends_on" in said.values and said.literal("gone") is None


@pytest.mark.parametrize("rest", ["", NEWER])
def test_a_class_is_read_where_there_is_one(rest):
    said = read(f"class Migration(m.Migration):\n    replaces = [('shop', '1')]\n{rest}", of="Migration")
    assert said is not None and said.literal("replaces") == [("shop", "1")]
    assert read(f"class Other:\n    replaces = []\n{rest}", of="Migration") is None


def test_the_first_line_of_a_docstring_is_its_title():
    assert read('"""Add names.\n\nMore."""\nrevision = "a"\n').title == "Add names."  # type: ignore[union-attr]
