"""A migration that undoes itself and counts as applied is an error, in every format."""

import pytest

UP = "create table paid (id bigint primary key);"
FILES = {
    "golang-migrate": ("db/migrations", "000001_a.up.sql", "000002_b.up.sql", "{sql}"),
    "dbmate": ("db/migrations", "20240101_a.sql", "20240201_b.sql", "-- migrate:up\n{sql}\n-- migrate:down\n"),
    "prisma": ("prisma/migrations", "20240101000000_a/migration.sql", "20240201000000_b/migration.sql", "{sql}"),
    "goose": ("migrations", "00001_a.sql", "00002_b.sql", "-- +goose Up\n{sql}\n-- +goose Down\n"),
    "flyway": ("db/migration", "V1__a.sql", "V2__b.sql", "{sql}"),
}
UNDONE = (
    f"begin;\n{UP}\nrollback;",
    f"{UP}\nrollback;",
    f"begin;\n{UP}\nabort;",
    f"begin; {UP} rollback and chain; commit;",
)


@pytest.mark.parametrize("format", FILES)
@pytest.mark.parametrize("text", UNDONE)
def test_a_rolled_back_file_is_an_error(pull_request, format, text):
    directory, first, second, template = FILES[format]
    settings = {"kfm-ci.toml": f'[migrations]\nformat = "{format}"\ndir = "{directory}"\n'}
    pull_request.write({**settings, f"{directory}/{first}": template.replace("{sql}", "create table a (id int);")})
    pull_request.commit()
    pull_request.write({f"{directory}/{second}": template.replace("{sql}", text)})
    verdict = pull_request.gate()
    assert verdict.code == 1 and "statements-rolled-back" in verdict.errors, verdict.output


def test_a_rollback_to_a_savepoint_passes(change):
    up = f"savepoint s;\ncreate table tried (id int);\nrollback to savepoint s;\n{UP}"
    assert "statements-rolled-back" not in change(up, "drop table paid;").errors
