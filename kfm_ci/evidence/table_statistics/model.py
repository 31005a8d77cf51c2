"""Sizes of production's tables, as a file that can be committed: names and numbers, no rows, no credentials."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kfm_ci.errors import UsageError

SCHEMA: Literal["kfm-ci/statistics/v1"] = "kfm-ci/statistics/v1"


class _StatisticsModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TableSize(_StatisticsModel):
    """One table, partitioned table or materialized view."""

    name: str = Field(description="Schema-qualified, quoted where SQL needs it.")
    rows: int | None = Field(None, ge=0, description="The server's estimate; null when it was never analysed.")
    bytes: int = Field(0, ge=0, description="Of the table itself, with TOAST, without indexes.")
    indexes: int = Field(0, ge=0, description="How many.")
    index_bytes: int = Field(0, ge=0, description="Of all indexes together.")
    writes_per_second: float | None = Field(None, ge=0, description="Rows inserted, updated and deleted.")
    reads_per_second: float | None = Field(None, ge=0, description="Scans begun, by index or in full.")


class Statistics(_StatisticsModel):
    """The tables of one database at one moment."""

    schema_: Literal["kfm-ci/statistics/v1"] = Field(SCHEMA, alias="schema")
    environment: str
    taken_at: str = Field(description="UTC, ISO 8601.")
    server_version: str
    tables: tuple[TableSize, ...] = ()

    def of(self, name: str) -> TableSize | None:
        """Return what is known of a table."""
        return next((table for table in self.tables if table.name == name), None)


def parse(data: bytes, *, where: str) -> Statistics:
    """Return the statistics in a file; raises UsageError with the place of what is wrong."""
    try:
        return Statistics.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            code="KFM-U80",
            message=f"The file contains no statistics: {key + ': ' if key else ''}{first['msg'].removesuffix('.')}.",
            where=where,
            expected=SCHEMA,
            help="Write it with `kfm-ci stats --environment NAME`.",
        ) from error


def dumps(statistics: Statistics) -> str:
    """Return the file's text, one table a line, so that changes read well in a diff."""
    head = statistics.model_copy(update={"tables": ()}).model_dump_json(by_alias=True, indent=1)
    rows = [table.model_dump_json(exclude_none=True) for table in sorted(statistics.tables, key=lambda item: item.name)]
    return (
        head.replace('"tables": []', '"tables": [\n  ' + ",\n  ".join(rows) + "\n ]" if rows else '"tables": []') + "\n"
    )
