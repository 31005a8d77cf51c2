"""Typed view of the parse tree of libpg_query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_MESSAGE = 11  # protobuf's number for a field that is itself a message
_ENUM = 14


class Node:
    """One node: its tag is that of PostgreSQL, such as ``AlterTableStmt``; fields are libpg_query's, in snake case."""

    __slots__ = ("_message", "tag")

    def __init__(self, message: Any) -> None:
        """Wrap a protobuf message; a ``Node`` wrapper is replaced by its content."""
        message = _opened(message)
        self._message = message
        self.tag: str = message.DESCRIPTOR.name

    def __repr__(self) -> str:
        return f"Node({self.tag})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self._message == other._message

    def __hash__(self) -> int:
        return hash((self.tag, self._message.SerializeToString(deterministic=True)))

    def _field(self, name: str) -> Any:
        descriptor = self._message.DESCRIPTOR.fields_by_name.get(name)
        return None if descriptor is None else getattr(self._message, name)

    def text(self, name: str) -> str:
        """Return a string field; empty when it is not set."""
        value = self._field(name)
        return value if isinstance(value, str) else ""

    def flag(self, name: str) -> bool:
        """Return a boolean field; False when it is not set."""
        return self._field(name) is True

    def number(self, name: str) -> int:
        """Return an integer field; 0 when it is not set."""
        value = self._field(name)
        return int(value) if isinstance(value, (int, float)) else 0

    def choice(self, name: str) -> str:
        """Return the name of an enum field's value, such as ``AT_AddColumn``; empty when there is no such field."""
        descriptor = self._message.DESCRIPTOR.fields_by_name.get(name)
        if descriptor is None or descriptor.type != _ENUM:
            return ""
        value = descriptor.enum_type.values_by_number.get(getattr(self._message, name))
        return str(value.name) if value is not None else ""

    def one(self, name: str) -> Node | None:
        """Return a child node, or None."""
        descriptor = self._message.DESCRIPTOR.fields_by_name.get(name)
        if descriptor is None or descriptor.type != _MESSAGE or _repeated(descriptor):
            return None
        return Node(getattr(self._message, name)) if self._message.HasField(name) else None

    def many(self, name: str) -> tuple[Node, ...]:
        """Return the nodes of a list field; empty when it is not set."""
        descriptor = self._message.DESCRIPTOR.fields_by_name.get(name)
        if descriptor is None or descriptor.type != _MESSAGE or not _repeated(descriptor):
            return ()
        return tuple(Node(item) for item in getattr(self._message, name))

    def strings(self, name: str) -> tuple[str, ...]:
        """Return the ``String`` nodes of a list field, such as the parts of a qualified name."""
        return tuple(node.text("sval") for node in self.many(name) if node.tag == "String")

    def put(self, holder: Any) -> None:
        """Copy this node into an empty wrapper of the parser's."""
        for descriptor in holder.DESCRIPTOR.fields:
            if descriptor.message_type is not None and descriptor.message_type.name == self.tag:
                getattr(holder, descriptor.name).CopyFrom(self._message)
                return
        raise TypeError(f"no wrapper holds a {self.tag}")

    def children(self) -> Iterator[Node]:
        """Yield the nodes directly below, in the order of the fields."""
        for descriptor, value in self._message.ListFields():
            if descriptor.type == _MESSAGE:
                for item in value if _repeated(descriptor) else (value,):
                    yield Node(item)

    def walk(self) -> Iterator[Node]:
        """Yield this node and all below it, parents first."""
        yield self
        for child in self.children():
            yield from child.walk()

    def find(self, *tags: str) -> Iterator[Node]:
        """Yield the nodes of the given tags, this one included."""
        return (node for node in self.walk() if node.tag in tags)


def _repeated(descriptor: Any) -> bool:
    return bool(descriptor.is_repeated)


def _opened(message: Any) -> Any:
    while message.DESCRIPTOR.name == "Node":
        held = message.WhichOneof("node")
        if held is None:
            return message
        message = getattr(message, held)
    return message
