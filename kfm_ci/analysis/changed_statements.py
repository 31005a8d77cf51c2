"""The SQL of a change, parsed once: its statements, also those inside blocks and functions, with their context."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from kfm_ci.analysis import contained_statements, statement_context
from kfm_ci.analysis.changed_statement import Alteration, ChangeStatement, ExecutedStatement, UnreadStatement
from kfm_ci.analysis.object_names import TEMPORARY, Name, canonical, created, parts_of, targets
from kfm_ci.migrations import placeholders
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Mode, Place
from kfm_ci.sql import plpgsql, statements, transactions
from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.plpgsql import Block, BlockPart
from kfm_ci.sql.script import Script, Statement

_WITH_ROWS = frozenset({"OBJECT_TABLE", "OBJECT_FOREIGN_TABLE", "OBJECT_SCHEMA"})


class ChangeStatements:
    """The statements of a change, by the parser's tag."""

    def __init__(self, new: Iterable[Migration], executed: Iterable[ExecutedStatement] = ()) -> None:
        """Parse every script of the new migrations once, in the order in which they run."""
        self._by_tag: dict[str, list[ChangeStatement]] = defaultdict(list)
        self._alterations: dict[str, list[Alteration]] = defaultdict(list)
        self._created_at: dict[Name, int] = {}
        self._last_created_at: dict[Name, int] = {}
        self._by_place: dict[tuple[str, int, int], list[ChangeStatement]] = defaultdict(list)
        self._count = 0
        self.unread: list[UnreadStatement] = []
        for migration in new:
            for script, up in ((migration.up, True), (migration.down, False)):
                if isinstance(script, Script):
                    self._add_script(migration, script, up=up)
        self._add_functions()
        for item in executed:
            self._add_executed(item)

    def of(self, *tags: str, downs: bool = False) -> Iterator[ChangeStatement]:
        """Yield the statements of these tags, tag by tag; those of down migrations only with ``downs``."""
        for tag in tags:
            yield from (statement for statement in self._by_tag.get(tag, ()) if statement.up or downs)

    def all(self, *, downs: bool = False) -> list[ChangeStatement]:
        """Return all statements in execution order."""
        return sorted(self.of(*self._by_tag, downs=downs), key=lambda statement: statement.ordinal)

    def mentioning(self, pattern: re.Pattern[str]) -> Iterator[ChangeStatement]:
        """Yield the statements, also of down migrations, whose text matches a pattern."""
        return (statement for group in self._by_tag.values() for statement in group if pattern.search(statement.text))

    def alterations(self, *subtypes: str) -> Iterator[Alteration]:
        """Yield the commands of ``alter table`` in up files, by the parser's name, such as ``AT_AddColumn``."""
        for subtype in subtypes:
            yield from (item for item in self._alterations.get(subtype, ()) if item.statement.up)

    def is_new(self, statement: ChangeStatement, parts: Iterable[str], *more: str) -> bool:
        """Whether the change creates a name before this statement; ``more`` names a column."""
        parts = tuple(map(canonical, parts))
        return any(
            self._created_at.get(name, statement.ordinal) < statement.ordinal
            for name in statement_context.candidates(statement, parts, more)
        )

    def is_recreated(self, statement: ChangeStatement, parts: Iterable[str], *more: str) -> bool:
        """Whether the change creates a name again with or after the statement that drops it."""
        names = statement_context.candidates(statement, tuple(map(canonical, parts)), more)
        return any(self._last_created_at.get(name, 0) >= statement.ordinal for name in names if name[-1] != "*")

    def has_only_new_targets(self, path: str, source: Statement) -> bool:
        """Whether the change created all objects that a statement changes; False if that is unknown.

        An object without rows that is dropped and recreated counts as well.
        """
        group = self._by_place.get((path, source.line, source.column), ())
        names = [(statement, name) for statement in group for name in targets(statement.tree)]
        return bool(names) and all(
            self.is_new(statement, name)
            or self.is_new(statement, *statement_context.removed_column(statement.tree, name))
            or self._is_recreated_without_rows(statement, name)
            for statement, name in names
        )

    def _is_recreated_without_rows(self, statement: ChangeStatement, name: Name) -> bool:
        rowless = statement.tree.tag == "DropStmt" and statement.tree.choice("remove_type") not in _WITH_ROWS
        return rowless and self.is_recreated(statement, name)

    def is_existing(self, statement: ChangeStatement, relation: Node | None) -> bool:
        """Whether a relation existed before the change, as far as the SQL shows."""
        if relation is None or relation.text("relpersistence") == "t" or relation.text("schemaname") == TEMPORARY:
            return False
        return not self.is_new(statement, parts_of(relation))

    def _add_script(self, migration: Migration, script: Script, *, up: bool) -> None:
        path = statement_context.DEFAULT_PATH
        whole = transactions.mode(script) is Mode.TRANSACTION
        self._count += 1
        transaction: int | None = self._count if whole else None
        for source in statements.of(script):
            trees = self._parse(migration, script, source)
            for tree in trees:
                statement = ChangeStatement(
                    migration=migration,
                    script=script,
                    source=source,
                    tree=tree,
                    text=source.text,
                    line=source.line,
                    end_line=source.end_line,
                    column=source.column,
                    ordinal=self._next(),
                    path=path,
                    transaction=transaction,
                    up=up,
                )
                self._add_with_contained(statement)
                if tree.tag == "TransactionStmt":
                    transaction = statement_context.next_transaction(
                        tree.choice("kind"), transaction, statement.ordinal, whole=whole
                    )
                elif tree.tag == "DoStmt":
                    self._add_block(statement)
                else:
                    path = statement_context.search_path(tree) or path

    def _parse(self, migration: Migration, script: Script, source: Statement) -> tuple[Node, ...]:
        place = Place(file=script.file.path, line=source.line, column=source.column, end_line=source.end_line)
        if source.text.startswith("\\"):
            command = source.text.split(maxsplit=1)[0]
            self.unread.append(UnreadStatement(migration=migration, place=place, reason=command, kind="meta-command"))
            return ()
        try:
            return statements.parse(source.text)
        except statements.SyntaxProblem as problem:
            filled, names = placeholders.fill(source.text)
            if names:
                self._report_placeholders(migration, place, names)
                try:
                    return statements.parse(filled)
                except statements.SyntaxProblem:
                    return ()
            reason = problem.message.splitlines()[0] if problem.message else "syntax error"
            kind = "too-deep" if isinstance(problem, statements.TooComplex) else "syntax"
            self.unread.append(UnreadStatement(migration=migration, place=place, reason=reason, kind=kind))
            return ()

    def _add_with_contained(self, statement: ChangeStatement) -> None:
        """Add a statement and those that run as part of it."""
        self._add(statement)
        for tree in contained_statements.contained(statement.tree, statement.text):
            self._add(replace(statement, tree=tree, ordinal=self._next()))

    def _add_functions(self) -> None:
        """Add the statements of each function that the change creates, and calls or attaches."""
        created = [item for item in self._by_tag.get("CreateFunctionStmt", ()) if item.up]
        if not created:
            return
        for body in contained_statements.function_bodies(created, self.all()):
            definition = replace(
                body.definition, function=body.name, is_called=body.is_called, in_sql_function=body.block.is_sql
            )
            self._add_parts(definition, body.block)
            for tree in contained_statements.atomic_body(definition.tree):
                self._add_nested(definition, tree)

    def _add_executed(self, item: ExecutedStatement) -> None:
        try:
            trees = statements.parse(item.text)
        except statements.SyntaxProblem:
            return  # another version of the server accepts more than the parser
        for tree in trees:
            self._add_nested(replace(item.around, text=item.text, line=item.line, end_line=item.line), tree)

    def _add_block(self, statement: ChangeStatement) -> None:
        block = plpgsql.read(statement.text, statement.tree)
        if block.opaque is not None:
            block = self._fill_placeholders(statement) or block
        self._add_parts(statement, block)

    def _add_parts(self, statement: ChangeStatement, block: Block) -> None:
        if block.opaque is not None:
            self._report_dynamic(statement, statement.place, block.opaque)
        for part in block.parts:
            line = min(statement.line + part.line, statement.end_line)
            place = Place(file=statement.script.file.path, line=line, column=1, end_line=line)
            if part.dynamic:
                self._report_dynamic(statement, place, f"it executes {' '.join(part.text.split())[:80]}", part)
                continue
            try:
                trees = statements.parse(part.text)
            except statements.SyntaxProblem:
                self._report_dynamic(statement, place, "a statement inside does not parse")
                continue
            for tree in trees:
                nested = replace(statement, text=part.text, line=line, end_line=line, conditions=part.conditions)
                nested = replace(nested, is_guarded=part.is_guarded)
                self._add_nested(nested, tree)

    def _add_nested(self, statement: ChangeStatement, tree: Node) -> None:
        self._add_with_contained(
            replace(
                statement,
                tree=tree,
                column=1,
                ordinal=self._next(),
                transaction=statement.transaction or statement.ordinal,
                nested=True,
            )
        )

    def _fill_placeholders(self, statement: ChangeStatement) -> Block | None:
        """Return a block with names in place of its placeholders; None if it has none."""
        text, names = placeholders.fill(statement.text)
        if not names:
            return None
        try:
            block = plpgsql.read(text, statements.parse(text)[0])
        except statements.SyntaxProblem:
            return None
        if block.opaque is None:
            self._report_placeholders(statement.migration, statement.place, names)
        return block

    def _report_placeholders(self, migration: Migration, place: Place, names: tuple[str, ...]) -> None:
        reason = ", ".join(names)
        self.unread.append(
            UnreadStatement(migration=migration, place=place, reason=reason, names=names, kind="placeholder")
        )

    def _report_dynamic(
        self, statement: ChangeStatement, place: Place, reason: str, part: BlockPart | None = None
    ) -> None:
        self.unread.append(
            UnreadStatement(
                migration=statement.migration,
                place=place,
                reason=reason,
                kind="dynamic",
                expression=part.text if part else None,
                conditions=part.conditions if part else (),
                function=statement.function,
                is_called=statement.is_called,
                up=statement.up,
                block_line=statement.source.line,
            )
        )

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _add(self, statement: ChangeStatement) -> None:
        tree = statement.tree
        self._by_tag[tree.tag].append(statement)
        self._by_place[statement.script.file.path, statement.source.line, statement.source.column].append(statement)
        if not statement.up:
            return
        if tree.tag == "AlterTableStmt":
            relation = tree.one("relation")
            for command in tree.many("cmds"):
                if relation is None:
                    continue
                subtype = command.choice("subtype")
                self._alterations[subtype].append(Alteration(statement=statement, relation=relation, command=command))
                definition = command.one("def")
                if subtype == "AT_AddColumn" and definition is not None:
                    self._record_creation(statement, (*parts_of(relation), definition.text("colname")), table=relation)
        elif tree.tag == "RenameStmt":
            self._record_rename(statement)
        else:
            for parts, temporary in created(tree):
                self._record_creation(statement, (TEMPORARY, *parts[-1:]) if temporary else parts)

    def _record_creation(self, statement: ChangeStatement, parts: Name, *, table: Node | None = None) -> None:
        qualified = bool(table.text("schemaname")) if table is not None else len(parts) > 1
        parts = tuple(map(canonical, parts))
        name = parts if qualified else ((statement.path or statement_context.DEFAULT_PATH)[0], *parts)
        self._created_at.setdefault(name, statement.ordinal)
        self._last_created_at[name] = statement.ordinal

    def _record_rename(self, statement: ChangeStatement) -> None:
        relation, kind = statement.tree.one("relation"), statement.tree.choice("rename_type")
        holder = statement.tree.one("object")
        named = holder.strings("items") if holder is not None and holder.tag == "List" else ()
        parts = parts_of(relation) if relation is not None else named
        if not parts:
            return
        if kind == "OBJECT_COLUMN":
            if self.is_new(statement, parts, statement.tree.text("subname")):
                self._record_creation(statement, (*parts, statement.tree.text("newname")), table=relation)
        elif self.is_new(statement, parts):
            self._record_creation(statement, (*parts[:-1], statement.tree.text("newname")))
