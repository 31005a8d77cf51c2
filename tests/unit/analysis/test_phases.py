"""Expand, migrate, contract: what the statements are, and what still uses what they remove."""

from __future__ import annotations

import pytest

from kfm_ci.analysis.header_keys import EXAMPLE
from kfm_ci.rules.compatibility.dropped_object_in_use import DroppedObjectInUse
from kfm_ci.rules.compatibility.expand_and_contract_combined import ExpandAndContractCombined
from kfm_ci.rules.header.phase_mismatch import PhaseMismatch

MADE = "create table widgets (id bigint generated always as identity primary key);"


def headed(phase: str, sql: str) -> str:
    return EXAMPLE.replace("-- dialect", f"-- phase: {phase}\n-- dialect").replace(MADE, sql)


PHASES = [
    ("expand", MADE, None),
    ("expand", "alter table widgets add column a int;", None),
    ("expand", "create index concurrently i on widgets (a);", None),
    ("expand", "create table parts (a int); alter table parts drop column a; drop table parts;", None),
    ("expand", "alter table widgets add column a int; alter table widgets drop column a;", None),
    ("expand", "alter table widgets drop constraint c;", None),
    ("expand", "update widgets set a = 1 where id = 1;", "warning"),
    ("expand", "drop table widgets;", "error"),
    ("expand", "alter table widgets rename column a to b;", "error"),
    ("migrate", "update widgets set a = 1 where id = 1;", None),
    ("migrate", "alter table widgets validate constraint c;", None),
    ("migrate", "alter table widgets add column b int; update widgets set a = 1 where id = 1;", None),
    ("migrate", "create table parts (a int); insert into parts values (1);", "warning"),
    ("migrate", "do $$ begin alter table widgets drop column a; end $$;", "error"),
    ("contract", "alter table widgets drop column a;", None),
    ("contract", "drop table widgets; drop view v;", None),
    ("contract", "drop view v;", None),
    ("contract", "alter table widgets add column b int;", "warning"),
]


@pytest.mark.parametrize(("phase", "sql", "severity"), PHASES)
def test_the_phase_is_what_the_statements_are(phase, sql, severity, judge_text):
    assert [item.severity.value for item in judge_text(PhaseMismatch(), headed(phase, sql))] == (
        [severity] if severity else []
    )


AT_ONCE = [
    ("alter table t add column color text; alter table t drop column colour;", "names"),
    ("alter table t add column price_cents bigint; alter table t drop column price;", "names"),
    ("alter table t add column full_name text, add column age int; alter table t drop column name;", "names"),
    (
        'alter table t add column "typedSignatureEnabled" bool; alter table t drop column "enabledTypedSignature";',
        "names",
    ),
    ("alter table t add column email_verified_at date; alter table t drop column email_verified;", "names"),
    ("alter table t add column b int; update t set b = a::int; alter table t drop column a;", "copies"),
    (
        (
            "alter table t add b int, add c int; do $$ begin update t set b = coalesce(t.a, 0); end $$; alter "
            "table t drop a;"
        ),
        "copies",
    ),
    ("alter table t add column b int; update t set b = a; alter table t rename column a to a_old;", "copies"),
    ("create table n as select * from t; drop table t;", "copies"),
    ("create table n (a int); insert into n select a from t join u using (a); drop table t;", "copies"),
]
APART = [
    "alter table t add column weight numeric; alter table t drop column colour;",
    "alter table t add column created_at timestamptz; alter table t drop column expires;",
    "alter table t add column account_id int, add column approver_id int; alter table t drop column pending;",
    "alter table t add column updated_at timestamptz; alter table t drop column deleted_at;",
    "alter table t add column b int; update t set b = 1 where a = 2; alter table t drop column a;",
    "alter table t add column b int; alter table t rename column a to c;",
    "alter table t add column id int; alter table t drop column team_id;",
    "alter table t add column colour text; alter table u drop column color;",
    "alter table t add column b int; alter table t drop column b;",
    "alter table t drop column a, add column a int;",
    "create table n (a int); insert into n select a from t; drop table t; alter table n rename to t;",
    "create table n (a int); drop table t;",
    "create temp table kept as select * from t; drop table t;",
]


@pytest.mark.parametrize(("sql", "ground"), AT_ONCE)
def test_what_replaces_something_does_not_come_as_the_old_one_goes(sql, ground, judge_text):
    (found,) = judge_text(ExpandAndContractCombined(), sql)
    assert ground in found.message and found.hazard.value == "coexistence"


@pytest.mark.parametrize("sql", APART)
def test_two_changes_that_have_nothing_to_do_with_each_other_are_not_one(sql, judge_text):
    assert judge_text(ExpandAndContractCombined(), sql) == []


@pytest.mark.parametrize(
    ("made", "more", "found"),
    [
        ("colour text", "", 1),
        ("colour int", "", 0),
        ("colour text", ", add column weight int", 0),
        ("colour text", ", drop column size", 0),
    ],
)
def test_a_lone_pair_of_one_type_is_a_replacement(made, more, found, judge):
    files = {"V1__one.up.sql": f"create table t (id int, {made}, size int);"}
    new = {"V2__two.up.sql": f"alter table t add column shade text, drop column colour{more};"}
    assert len(judge(ExpandAndContractCombined(), files | new, files)) == found


def test_two_migrations_of_one_change_are_at_once_too(judge):
    files = {
        "V1__one.up.sql": "alter table t add column color int;",
        "V2__two.up.sql": "alter table t drop column colour;",
    }
    (found,) = judge(ExpandAndContractCombined(), files)
    assert "V1__one, line 1" in found.message
    assert judge(ExpandAndContractCombined(), files, {"V1__one.up.sql": files["V1__one.up.sql"]}) == []


USES = [
    (
        "alter table orders drop column placed_at;",
        {"app/report.py": "x = 1\nsql = 'select placed_at from orders'\n"},
        "app/report.py:2",
    ),
    ("alter table orders drop column note;", {"app/order.py": "class Order:\n    note = Text()\n"}, "app/order.py:2"),
    ("alter table order_items drop column note;", {"a.ts": "class OrderItem {\n  note: string }"}, "a.ts:2"),
    ("drop table shop.orders;", {"app/q.sql": "select * from shop.orders"}, "app/q.sql:1"),
    ("alter table orders rename to purchases;", {"a.rb": "\n\norders"}, "a.rb:3"),
    ('alter table orders drop column "Straße_1";', {"a.py": "order Straße_1"}, "a.py:1"),
    ("drop table order_items;", {"a.go": "insert into order_items(id) values (1)"}, "a.go:1"),
]
NO_USES = [
    ("drop table admin_purge;", {"a.rs": "fn admin_purge() {}\nlet x = admin_purge(1);"}),
    ("drop table order_items;", {"driver/migrations/a.sql": "select * from order_items"}),
    ("alter table orders drop column placed_at;", {"app/report.py": "replaced_at placed_at_utc placed_at$"}),
    ("alter table orders drop column note;", {"app/customer.py": "class Customer:\n    note = Text()\n"}),
    ("alter table orders drop column placed_at;", {"README.md": "placed_at", "vendor/x/a.py": "placed_at"}),
    ("alter table orders drop column placed_at;", {"logo.png": "\0placed_at", "package-lock.json": "placed_at"}),
    ("alter table orders drop column placed_at;", {"migrations/db/meta/notes.sql": "placed_at"}),
    ("create table orders (a int); drop table orders;", {"a.py": "orders"}),
    ("alter table orders add column placed_at int;", {"a.py": "placed_at orders"}),
]


@pytest.mark.parametrize(("sql", "outside", "place"), USES)
def test_what_is_removed_and_still_named_is_told_with_its_place(sql, outside, place, judge_text):
    (found,) = judge_text(DroppedObjectInUse(), sql, outside=outside)
    assert place in found.message


@pytest.mark.parametrize(("sql", "outside"), NO_USES)
def test_what_only_looks_like_a_use_is_none(sql, outside, judge_text):
    assert judge_text(DroppedObjectInUse(), sql, outside=outside) == []


SURE = [
    ("drop table orders;", "a.py", "db.run('select id from orders')"),
    ("drop table orders;", "a.sql", "select 1\n  from customers\n  join shop.orders o using (id)"),
    ("drop table orders;", "a.py", "class Purchase(Base):\n    __tablename__ = 'orders'"),
    ("drop table orders;", "a.ts", "export const orders = pgTable('orders', {});"),
    ("drop table orders;", "a.ts", "await knex('orders').where({id})"),
    ("drop table orders;", "a.prisma", 'model Purchase {\n  @@map("orders")\n}'),
    ('drop table "Order";', "a.ts", 'sql`select * from "Order"`'),
    ("drop table orders;", "a.py", "sql = 'update orders o set a = 1'"),
    ("drop table order_items;", "a.rs", "order_items::table.filter(order_items::id.eq(1))"),
    ("drop table order_items;", "page.tsx", "await sql`select * from order_items`"),
    ("drop table shop.orders;", "a.py", "sql = 'delete from orders'"),
    ("alter table orders drop column note;", "Report.java", 'run("SELECT NOTE FROM ORDERS");'),
    ("alter table orders drop column placed_at;", "q.json", '{"query": "select placed_at from orders"}'),
    ("alter table orders drop column note;", "a.go", "row := db.Query(`\nselect id,\n  note\nfrom orders`)"),
    (
        "alter table orders drop column note;",
        "a.py",
        "db.run('select c.id, o.note from customers c join orders o using (id)')",
    ),
    ("alter table orders drop column note;", "a.py", 'run("select id, "\n    "note "\n    "from orders")'),
    ("alter table orders drop column note;", "a.py", 'run("select id from orders "\n    "where note is null")'),
    ("alter table orders drop column note;", "a.sql", "insert into orders (id, note)\n\nvalues (1, 2);"),
    ("alter table orders drop column name;", "a.go", 'type Order struct {\n\tName string `db:"name"`\n}'),
    ("alter table orders drop column note;", "a.java", "@Entity\nclass Order {\n  private String note;\n}"),
    ("alter table orders drop column name;", "a.prisma", 'model Purchase {\n  name String\n  @@map("orders")\n}'),
    ("alter table orders drop column name;", "a.rb", "class Order\nend\nOrder.find(1)\nputs order.name"),
    ("alter table orders drop column note;", "a.py", "print(order.note, orders)"),
    ("alter table orders rename column note to remark;", "a.rb", "Order.find(1)\norder.note"),
    (
        "alter table orders drop column placed_at;",
        "a.ts",
        "await prisma.order.findMany({\n  where: { placed_at: null }\n})",
    ),
    ("alter table orders drop column placed_at;", "a.rb", "Order.where(placed_at: nil)"),
]
DOUBTFUL = [
    ("drop table order_items;", "a.rs", "pub(crate) mod order_items;"),
    ("drop table order_items;", "layout.go", 'const OrderItems Layout = "order_items"'),
    ("drop table order_items;", "Cargo.toml", 'path = "crates/order_items"'),
    ("drop table order_items;", "tests/test_api.py", "select * from order_items"),
    ("drop table order_items;", "api.spec.ts", "select * from order_items"),
    ("drop table order_items;", "query.go", "// Code generated by sqlc. DO NOT EDIT.\nselect * from order_items"),
    ("alter table orders drop column placed_at;", "order.json", '{"type": "Order", "placed_at": 1}'),
    ("alter table orders drop column placed_at;", "a.py", "order = load()\nprint(kept['placed_at'])"),
    ("alter table orders drop column placed_at;", "a.py", "db.run('select 1 from orders')\nlog('placed_at')"),
    ("alter table orders drop column placed_at;", "a.sql", "select l.placed_at from lines l join orders o using (id)"),
    (
        "alter table orders drop column placed_at;",
        "a.py",
        "class Order(Base):\n    id = 1\n\nclass Line(Base):\n    placed_at = 1",
    ),
    ("alter table task drop column task_name;", "a.rs", "task.run();\nlet task_name = handles.remove(id);"),
    ("alter table shop.users drop column first_name;", "a.sql", "select first_name from auth.users"),
    ("alter table orders drop column placed_at;", "a.go", 'span.Set("order.placed_at", x)'),
    ("alter table orders drop column placed_at;", "a.ts", "type Order = {\n  placed_at: string\n}"),
    ("alter table tabular drop column location_id;", "a.rs", "x = generic_tabular.location_id"),
]
NOT_EVEN_THAT = [
    ("drop table orders;", "a.ts", "import { orders } from './orders';\nconst [orders, setOrders] = useState([]);"),
    ("drop table orders;", "a.py", "from orders import models\nlog('3 removed from orders')"),
    ("drop table shop.orders;", "a.py", "sql = 'delete from archive.orders'"),
    ('drop table "Order";', "a.tsx", "t`Failed to update Order`; t`Select a part from Order`"),
    ("alter table orders drop column name;", "a.py", "orders = []\nname = 'x'"),
    ("alter table orders drop column name;", "a.sql", "select count(*) as name from orders"),
    ("alter table orders drop column name;", "a.py", "def label(order):\n    return order.name"),
    ("alter table orders drop column note;", "a.tsx", "<Order />\nconst note = 'call back';"),
    ("drop table orders;", "a.rb", "\n\norders"),
]


@pytest.mark.parametrize(("sql", "path", "text"), SURE)
def test_code_that_fails_on_the_new_schema_is_an_error(sql, path, text, judge_text):
    (found,) = judge_text(DroppedObjectInUse(), sql, outside={path: text})
    assert found.severity.value == "error" and "is still used" in found.message


@pytest.mark.parametrize(("sql", "path", "text"), DOUBTFUL)
def test_a_word_that_may_mean_something_else_is_a_warning(sql, path, text, judge_text):
    (found,) = judge_text(DroppedObjectInUse(), sql, outside={path: text})
    assert found.severity.value == "warning" and "may still be used" in found.message


@pytest.mark.parametrize(("sql", "path", "text"), NOT_EVEN_THAT)
def test_a_plain_word_with_nothing_that_points_at_the_table_is_a_note(sql, path, text, judge_text):
    (found,) = judge_text(DroppedObjectInUse(), sql, outside={path: text})
    assert found.severity.value == "note" and "may still be used" in found.message


@pytest.mark.parametrize("comment", ["# ", "// ", "  -- ", " * ", "<!-- "])
def test_a_comment_is_no_use(comment, judge_text):
    assert (
        judge_text(DroppedObjectInUse(), "drop table order_items;", outside={"a.x": f"{comment}from order_items"}) == []
    )


def test_a_name_that_other_tables_have_too_is_a_warning_unless_a_query_says_whose_it_is(judge):
    files = {
        "V1__one.up.sql": "create table {{ .Schema }}.parts (placed_at date);",
        "V2__two.up.sql": "alter table orders drop column placed_at;",
    }
    (found,) = judge(DroppedObjectInUse(), files, outside={"a.py": "orders\nplaced_at"})
    assert found.severity.value == "warning"
    (found,) = judge(DroppedObjectInUse(), files, outside={"a.py": "orders\nselect placed_at from orders"})
    assert found.severity.value == "error"
    (found,) = judge(
        DroppedObjectInUse(), files, outside={"a.py": "select placed_at from orders join parts using (id)"}
    )
    assert found.severity.value == "warning"
    del files["V1__one.up.sql"]
    (found,) = judge(
        DroppedObjectInUse(), files, outside={"a.py": "select placed_at from orders join parts using (id)"}
    )
    assert found.severity.value == "error"


def test_a_name_that_is_given_anew_is_still_there(judge_text):
    text = "alter table river_log rename to river_log_old; create table river_log (a int);"
    assert judge_text(DroppedObjectInUse(), text, outside={"a.py": "river_log"}) == []


def test_a_repository_that_is_too_large_to_search_is_not_called_free_of_uses(judge_text, monkeypatch):
    monkeypatch.setattr("kfm_ci.analysis.code_search.MAX_TOTAL", 3)
    outside = {"a.py": "long enough", "b.py": "never read"}
    (found,) = judge_text(DroppedObjectInUse(), "drop table orders;", outside=outside)
    assert "too large" in found.message


def test_a_removal_in_a_file_with_a_header_is_searched_for_too(judge_text):
    found = judge_text(
        DroppedObjectInUse(), headed("contract", "drop table widgets;"), outside={"app.py": "from widgets"}
    )
    assert len(found) == 1 and "app.py:1" in found[0].message
