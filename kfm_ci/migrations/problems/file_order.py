"""Reading rules on file names, versions and revisions."""

from __future__ import annotations

from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import DecidedBy, ReadingExample, RuleInfo

_WIDGETS = "create table widgets (id bigint);\n"
_COLOUR = "alter table widgets add column colour text;\n"
_REVISION = 'revision = "{id}"\ndown_revision = {parent}\n\n\ndef upgrade():\n    pass\n'

FILE_NAME = RuleInfo(
    id="file-name",
    hazard=Hazard.NAMING,
    decided_by=DecidedBy.READING,
    title="File name does not fit the naming convention",
    why=(
        "Some tools silently ignore a name outside their convention (Flyway with one underscore), "
        "others reject it. The change is then merged but never applied. Rename the file."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="flyway", breaks={"m/V1_widgets.sql": _WIDGETS}, keeps={"m/V1__widgets.sql": _WIDGETS}
    ),
)

MIXED_STYLES = RuleInfo(
    id="mixed-styles",
    hazard=Hazard.NAMING,
    decided_by=DecidedBy.READING,
    title="Two naming styles in one directory",
    why=(
        "`20260101_1200__…` and `V000123__…` sort into separate sequences, so the alphabet decides "
        "which runs first. Keep the style of the merged files."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="kfm",
        files={"m/20260101_1200__add_widgets.sql": _WIDGETS},
        breaks={"m/V000001__add_colour.sql": _COLOUR},
        keeps={"m/20260102_1200__add_colour.sql": _COLOUR},
    ),
)

DOWN_WITHOUT_UP = RuleInfo(
    id="down-without-up",
    hazard=Hazard.NAMING,
    decided_by=DecidedBy.READING,
    title="Down migration without an up migration",
    why=(
        "A down migration without its up migration never runs, or runs against another state. Add the"
        " up migration or remove the file."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="golang-migrate",
        files={"m/000001_widgets.up.sql": _WIDGETS, "m/000001_widgets.down.sql": "drop table widgets;\n"},
        breaks={"m/000002_colour.down.sql": "alter table widgets drop column colour;\n"},
        keeps={},
    ),
)


MISSING_PARENT_REVISION = RuleInfo(
    id="missing-parent-revision",
    hazard=Hazard.ORDER,
    decided_by=DecidedBy.READING,
    title="Parent revision does not exist",
    why=(
        "A revision without its parent cannot be ordered, and the tool fails. Often the parent is on "
        "another branch that was not merged. Merge that branch first."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="alembic",
        files={"m/versions/a.py": _REVISION.format(id="a", parent=None)},
        breaks={"m/versions/b.py": _REVISION.format(id="b", parent='"gone"')},
        keeps={"m/versions/b.py": _REVISION.format(id="b", parent='"a"')},
    ),
)

MULTIPLE_HEADS = RuleInfo(
    id="multiple-heads",
    hazard=Hazard.ORDER,
    decided_by=DecidedBy.READING,
    title="Revisions end in several heads",
    why=(
        "Two pull requests that raced build on the same revision. `alembic upgrade head` and Django's"
        " `migrate` fail until the heads are merged. Run the command in the message."
    ),
    severities=(Severity.ERROR,),
    reading_example=ReadingExample(
        format="alembic",
        files={
            "m/versions/a.py": _REVISION.format(id="a", parent=None),
            "m/versions/b.py": _REVISION.format(id="b", parent='"a"'),
        },
        breaks={"m/versions/c.py": _REVISION.format(id="c", parent='"a"')},
        keeps={"m/versions/c.py": _REVISION.format(id="c", parent='"b"')},
    ),
)


ORDER_RULES: tuple[RuleInfo, ...] = (
    FILE_NAME,
    MIXED_STYLES,
    DOWN_WITHOUT_UP,
    MISSING_PARENT_REVISION,
    MULTIPLE_HEADS,
)

DUPLICATE_VERSION = RuleInfo(
    id="duplicate-version",
    hazard=Hazard.ORDER,
    title="Two migrations have the same version",
    why=(
        "Two migrations with one version run in an undefined order, and some tools run only one of "
        "them. Each pull request alone looks right, so kfm-ci compares the files with the tip of the "
        "base. Renumber the newer one."
    ),
    bad="on main:          migrations/db/V000124__add_orders.up.sql\n"
    "in pull request:  migrations/db/V000124__add_widgets_table.up.sql\n",
    good="on main:          migrations/db/V000124__add_orders.up.sql\n"
    "in pull request:  migrations/db/V000125__add_widgets_table.up.sql\n",
)
