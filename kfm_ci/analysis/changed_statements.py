"""The SQL of a change, parsed once: one act a statement, also inside ``do`` blocks, with what is known where it stands."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from kfm_ci.analysis.changed_statement import Alteration, ChangeStatement, UnreadStatement
from kfm_ci.analysis.object_names import PUBLIC, TEMPORARY, Name, canonical, created, parts_of, targets
from kfm_ci.migrations import placeholders
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Mode, Place
from kfm_ci.sql import plpgsql, statements, transactions
from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.plpgsql import Block
from kfm_ci.sql.script import Script, Statement

_DEFAULT_PATH: Name = (PUBLIC,)
_WITH_ROWS = frozenset({"OBJECT_TABLE", "OBJECT_FOREIGN_TABLE", "OBJECT_SCHEMA"})


class ChangeStatements:
    """All acts of a change, found by the parser's tag."""

    def __init__(self, new: Iterable[Migration]) -> None:
        """Parse every script of the new migrations once, in the order in which they run."""
        self._by_tag: dict[str, list[ChangeStatement]] = defaultdict(list)
        self._alterations: dict[str, list[Alteration]] = defaultdict(list)
        self._made: dict[Name, int] = {}
        self._last: dict[Name, int] = {}
        self._at: dict[tuple[str, int, int], list[ChangeStatement]] = defaultdict(list)
        self._count = 0
        self.unread: list[UnreadStatement] = []
        for migration in new:
            for script, up in ((migration.up, True), (migration.down, False)):
                if isinstance(script, Script):
                    self._read(migration, script, up=up)

    def of(self, *tags: str, downs: bool = False) -> Iterator[ChangeStatement]:
        """Yield the acts of these tags, tag by tag; those of down files only when asked for."""
        for tag in tags:
            yield from (act for act in self._by_tag.get(tag, ()) if act.up or downs)

    def all(self, *, downs: bool = False) -> list[ChangeStatement]:
        """Return every act in the order in which the change runs."""
        return sorted(self.of(*self._by_tag, downs=downs), key=lambda act: act.ordinal)

    def mentioning(self, pattern: re.Pattern[str]) -> Iterator[ChangeStatement]:
        """Yield the acts, also of down files, in whose text a pattern is found."""
        return (act for acts in self._by_tag.values() for act in acts if pattern.search(act.text))

    def alterations(self, *subtypes: str) -> Iterator[Alteration]:
        """Yield the commands of ``alter table`` in up files, by the parser's name, such as ``AT_AddColumn``."""
        for subtype in subtypes:
            yield from (item for item in self._alterations.get(subtype, ()) if item.act.up)

    def is_new(self, act: ChangeStatement, parts: Iterable[str], *more: str) -> bool:
        """Whether a name was made by the same change before an act; ``more`` names a column."""
        parts = tuple(map(canonical, parts))
        return any(self._made.get(name, act.ordinal) < act.ordinal for name in _candidates(act, parts, more))

    def made_again(self, act: ChangeStatement, parts: Iterable[str], *more: str) -> bool:
        """Whether a name that an act takes away is given anew by the same change, then or later."""
        names = _candidates(act, tuple(map(canonical, parts)), more)
        return any(self._last.get(name, 0) >= act.ordinal for name in names if name[-1] != "*")

    def only_new(self, path: str, statement: Statement) -> bool:
        """Whether all that a statement is done to was made by the same change; False when that cannot be told.

        What is dropped only to be made again counts too, unless it held rows.
        """
        acts = self._at.get((path, statement.line, statement.column), ())
        names = [(act, name) for act in acts for name in targets(act.tree)]
        return bool(names) and all(
            self.is_new(act, name) or self.is_new(act, *_column(act.tree, name)) or self._remade(act, name)
            for act, name in names
        )

    def _remade(self, act: ChangeStatement, name: Name) -> bool:
        rowless = act.tree.tag == "DropStmt" and act.tree.choice("remove_type") not in _WITH_ROWS
        return rowless and self.made_again(act, name)

    def existed(self, act: ChangeStatement, relation: Node | None) -> bool:
        """Whether a relation is older than the change, as far as the text tells."""
        if relation is None or relation.text("relpersistence") == "t" or relation.text("schemaname") == TEMPORARY:
            return False
        return not self.is_new(act, parts_of(relation))

    def _read(self, migration: Migration, script: Script, *, up: bool) -> None:
        path = _DEFAULT_PATH
        whole = transactions.mode(script) is Mode.TRANSACTION
        self._count += 1
        transaction: int | None = self._count if whole else None
        for statement in statements.of(script):
            trees = self._trees(migration, script, statement)
            for tree in trees:
                act = ChangeStatement(
                    migration=migration,
                    script=script,
                    statement=statement,
                    tree=tree,
                    text=statement.text,
                    line=statement.line,
                    end_line=statement.end_line,
                    column=statement.column,
                    ordinal=self._next(),
                    path=path,
                    transaction=transaction,
                    up=up,
                )
                self._take(act)
                if tree.tag == "TransactionStmt":
                    transaction = _follow(tree.choice("kind"), transaction, act.ordinal, whole=whole)
                elif tree.tag == "DoStmt":
                    self._open(act)
                else:
                    path = _search_path(tree) or path

    def _trees(self, migration: Migration, script: Script, statement: Statement) -> tuple[Node, ...]:
        place = Place(file=script.file.path, line=statement.line, column=statement.column, end_line=statement.end_line)
        if statement.text.startswith("\\"):
            command = statement.text.split(maxsplit=1)[0]
            self.unread.append(UnreadStatement(migration=migration, place=place, reason=command, kind="meta-command"))
            return ()
        try:
            return statements.parse(statement.text)
        except statements.SyntaxProblem as problem:
            filled, names = placeholders.fill(statement.text)
            if names:
                self._unfilled(migration, place, names)
                try:
                    return statements.parse(filled)
                except statements.SyntaxProblem:
                    return ()
            reason = problem.message.splitlines()[0] if problem.message else "syntax error"
            self.unread.append(UnreadStatement(migration=migration, place=place, reason=reason, kind="syntax"))
            return ()

    def _open(self, act: ChangeStatement) -> None:
        block = plpgsql.read(act.text, act.tree)
        if block.opaque is not None:
            block = self._filled(act) or block
        if block.opaque is not None:
            self._opaque(act, act.place, block.opaque)
        for part in block.parts:
            line = min(act.line + part.line, act.end_line)
            place = Place(file=act.script.file.path, line=line, column=1, end_line=line)
            if part.dynamic:
                self._opaque(act, place, f"it executes {' '.join(part.text.split())[:80]}")
                continue
            try:
                trees = statements.parse(part.text)
            except statements.SyntaxProblem:
                self._opaque(act, place, "a statement inside does not parse")
                continue
            for tree in trees:
                self._take(
                    replace(
                        act,
                        tree=tree,
                        text=part.text,
                        line=line,
                        end_line=line,
                        column=1,
                        ordinal=self._next(),
                        transaction=act.transaction or act.ordinal,
                        nested=True,
                    )
                )

    def _filled(self, act: ChangeStatement) -> Block | None:
        """Return a block as it is read with names in the place of its placeholders; None when it holds none."""
        text, names = placeholders.fill(act.text)
        if not names:
            return None
        try:
            block = plpgsql.read(text, statements.parse(text)[0])
        except statements.SyntaxProblem:
            return None
        if block.opaque is None:
            self._unfilled(act.migration, act.place, names)
        return block

    def _unfilled(self, migration: Migration, place: Place, names: tuple[str, ...]) -> None:
        reason = ", ".join(names)
        self.unread.append(
            UnreadStatement(migration=migration, place=place, reason=reason, names=names, kind="placeholder")
        )

    def _opaque(self, act: ChangeStatement, place: Place, reason: str) -> None:
        self.unread.append(UnreadStatement(migration=act.migration, place=place, reason=reason, kind="dynamic"))

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _take(self, act: ChangeStatement) -> None:
        tree = act.tree
        self._by_tag[tree.tag].append(act)
        self._at[act.script.file.path, act.statement.line, act.statement.column].append(act)
        if not act.up:
            return
        if tree.tag == "AlterTableStmt":
            relation = tree.one("relation")
            for command in tree.many("cmds"):
                if relation is None:
                    continue
                subtype = command.choice("subtype")
                self._alterations[subtype].append(Alteration(act=act, relation=relation, command=command))
                definition = command.one("def")
                if subtype == "AT_AddColumn" and definition is not None:
                    self._make(act, (*parts_of(relation), definition.text("colname")), table=relation)
        elif tree.tag == "RenameStmt":
            self._renamed(act)
        else:
            for parts, temporary in created(tree):
                self._make(act, (TEMPORARY, *parts[-1:]) if temporary else parts)

    def _make(self, act: ChangeStatement, parts: Name, *, table: Node | None = None) -> None:
        qualified = bool(table.text("schemaname")) if table is not None else len(parts) > 1
        parts = tuple(map(canonical, parts))
        name = parts if qualified else ((act.path or _DEFAULT_PATH)[0], *parts)
        self._made.setdefault(name, act.ordinal)
        self._last[name] = act.ordinal

    def _renamed(self, act: ChangeStatement) -> None:
        relation, kind = act.tree.one("relation"), act.tree.choice("rename_type")
        holder = act.tree.one("object")
        named = holder.strings("items") if holder is not None and holder.tag == "List" else ()
        parts = parts_of(relation) if relation is not None else named
        if not parts:
            return
        if kind == "OBJECT_COLUMN":
            if self.is_new(act, parts, act.tree.text("subname")):
                self._make(act, (*parts, act.tree.text("newname")), table=relation)
        elif self.is_new(act, parts):
            self._make(act, (*parts[:-1], act.tree.text("newname")))


def _column(tree: Node, table: Name) -> tuple[Name, str]:
    """Return the one column that a statement takes away or renames, with its table; no name where it does more."""
    commands = tree.many("cmds")
    if len(commands) == 1 and commands[0].choice("subtype") == "AT_DropColumn":
        return table, commands[0].text("name")
    return table, tree.text("subname") if tree.choice("rename_type") == "OBJECT_COLUMN" else ""


def _candidates(act: ChangeStatement, parts: Name, more: tuple[str, ...]) -> set[Name]:
    """Return every full name that a name may mean, and the schemas that it may be in."""
    names = [parts] if len(parts) > 1 else [(schema, *parts) for schema in (TEMPORARY, *act.path, PUBLIC)]
    return {(*name, *more) for name in names} | {(name[0], "*") for name in names if len(name) > 1}


def _follow(kind: str, transaction: int | None, ordinal: int, *, whole: bool) -> int | None:
    """Return the transaction that the next statement runs in."""
    if kind in {"TRANS_STMT_BEGIN", "TRANS_STMT_START"}:
        return transaction or ordinal
    if kind in {"TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK", "TRANS_STMT_PREPARE"}:
        return ordinal if whole else None
    return transaction


def _search_path(tree: Node) -> Name | None:
    """Return the search path that a statement sets for those after it; None when it sets none."""
    if tree.tag == "VariableSetStmt" and tree.text("name") == "search_path":
        values = [item.one("sval") for item in tree.many("args")]
        return tuple(item.text("sval") for item in values if item is not None and item.text("sval")) or _DEFAULT_PATH
    return None
