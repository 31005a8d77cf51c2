"""The lists agree with the files, where they are or must be."""

from __future__ import annotations

from kfm_ci.analysis.change import Requirements
from kfm_ci.migrations.manifest import build, checksums
from kfm_ci.rules.files.manifest_stale import ManifestStale

RULE = ManifestStale()
FILES = {"V1__one.up.sql": "select 1;\n", "V1__one.down.sql": "select 0;\n"}
ASKED = Requirements(require_header=False, require_traceability=False, require_manifest=True)


def lists(change, files):
    history = change(files).head
    return {"meta/manifest.json": build(history).to_bytes(), "meta/checksums.txt": checksums(history)}


def test_without_lists_nothing_is_asked_unless_the_policy_asks(judge):
    assert judge(RULE, FILES) == []
    assert len(judge(RULE, FILES, requirements=ASKED)) == 2


def test_lists_that_agree_pass(judge, change):
    assert judge(RULE, FILES | lists(change, FILES), requirements=ASKED) == []


def test_an_edited_file_makes_both_lists_stale(judge, change):
    found = judge(RULE, FILES | {"V1__one.up.sql": "select 2;\n"} | lists(change, FILES))
    assert [item.place.file.rsplit("/")[-1] for item in found] == ["manifest.json", "checksums.txt"]
    assert all(item.help == "Run `kfm-ci manifest`." for item in found)


def test_line_ends_changed_on_checkout_are_told_as_such(judge, change):
    found = judge(RULE, FILES | {"V1__one.up.sql": "select 1;\r\n"} | lists(change, FILES))
    assert found and all("/migrations/db/** -text" in item.help for item in found)


def test_many_differences_are_counted_not_listed(judge):
    files = {f"V{number}__many.up.sql": f"select {number};" for number in range(1, 60)}
    found = judge(RULE, files | {"meta/checksums.txt": ""})
    assert len(found) == 21 and "39 more" in found[-1].message
