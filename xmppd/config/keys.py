"""The names of configuration keys: how they are spelled, where they stand, what there is.

A key is the path to it: ``("limits", "depth")``, ``("components", "chat.example.org", "secret")``.
Some tables hold tables with names of the operator's own; those are *named*.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, TypeAlias

import msgspec
from msgspec import inspect

Key: TypeAlias = tuple[str, ...]

_PLAIN = re.compile(r"[\w-]+", re.ASCII)


def written(key: Key) -> str:
    """A key as it would stand in the file: ``components."chat.example.org".secret``."""
    return ".".join(part if _PLAIN.fullmatch(part) else _quoted(part) for part in key)


def _quoted(part: str) -> str:
    return "".join(('"', part.replace("\\", "\\\\").replace('"', '\\"'), '"'))


def read(text: str) -> Key:
    """The key that is spelled so; () for what is none, such as "" for no key at all."""
    try:
        found: Any = tomllib.loads(f"{text} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    key: list[str] = []
    while isinstance(found, dict):
        part, found = next(iter(found.items()))
        key.append(part)
    return tuple(key)


def where(source: str, text: str, key: Key) -> str:
    """`source` with the line on which a key, or its table, stands in `text`.

    Where a plain look through the text finds neither `source` alone.
    """
    current: Key = ()
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line):
            current = read(header[1])
            if current == key:
                return f"{source}:{number}"
            inside = current[: len(key)] == key and not table
            if inside or (current == key[:-1] and len(key) > 1):
                table = f"{source}:{number}"
        elif assigned := re.match(r"\s*([\w.\"'-]+)\s*=", line):
            found = (*current, *read(assigned[1]))
            if found[: len(key)] == key and len(current) < len(key):
                return f"{source}:{number}"
            if found == key[:-1]:  # an inline table
                table = f"{source}:{number}"
    return table or source


def of_table(root: type[msgspec.Struct], table: str) -> Key:
    """The keys that may stand in a table of `root`, or in each of its tables where it is named."""
    return struct_of(root, table).__struct_fields__


def are_named(root: type[msgspec.Struct], table: str) -> bool:
    """Whether the table holds tables that have names of the operator's own."""
    return isinstance(_type(root, table), inspect.DictType)


def struct_of(root: type[msgspec.Struct], table: str) -> type[msgspec.Struct]:
    """What a table holds, or each of the tables in a named one."""
    found = _type(root, table)
    if isinstance(found, inspect.DictType):
        found = found.value_type
    assert isinstance(found, inspect.StructType)
    return found.cls


def struct_in(struct: type[msgspec.Struct], key: str) -> type[msgspec.Struct] | None:
    """What a table holds that stands in a table; None where the key is none."""
    found = _type(struct, key)
    return found.cls if isinstance(found, inspect.StructType) else None


def structs_in(struct: type[msgspec.Struct], key: str) -> type[msgspec.Struct] | None:
    """What each table holds of those with the operator's names; None where the key has none."""
    found = _type(struct, key)
    inner = found.value_type if isinstance(found, inspect.DictType) else None
    return inner.cls if isinstance(inner, inspect.StructType) else None


def _type(root: type[msgspec.Struct], table: str) -> inspect.Type:
    kind = inspect.type_info(root)
    assert isinstance(kind, inspect.StructType)
    return next(field.type for field in kind.fields if field.name == table)
