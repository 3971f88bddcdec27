"""What a key takes, in words: the remedy for a value of the wrong type or out of range.

Read off the Structs' own annotations, so that it can't tell anything else than what is checked.
"""

from __future__ import annotations

import msgspec
from msgspec import inspect

from xmppd.config.keys import Key, written


def wanted(root: type[msgspec.Struct], key: Key) -> str:
    """Say what a key of `root`, or a table of it, takes."""
    kind = inspect.type_info(root)
    for part in key:
        kind = kind.value_type if isinstance(kind, inspect.DictType) else _field(kind, part)
    if isinstance(kind, inspect.StructType) or len(key) == 1:
        return f"Write it as a table: [{written(key)}], then its keys"
    return f"Give {_words(kind)}{HINTS.get((key[0], key[-1]), '')}"


HINTS = {
    (
        "auth",
        "mechanisms",
    ): " (ANONYMOUS and DIGEST-MD5 have keys of their own: anonymous, digest_md5)",
}
"""What the types of some keys leave unsaid."""


def _field(kind: inspect.Type, name: str) -> inspect.Type:
    assert isinstance(kind, inspect.StructType)
    return next(field.type for field in kind.fields if field.name == name)


def _words(kind: inspect.Type) -> str:
    match kind:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=low, le=None):
            return f"a whole number, {low} or more"
        case inspect.IntType(ge=low, le=high):
            return f"a whole number from {low} to {high}"
        case inspect.LiteralType(values=(only,)):
            return f'"{only}"'
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(f'"{value}"' for value in values)
        case inspect.UnionType(types=types):
            return ", or ".join(_words(one) for one in types)
        case (
            inspect.VarTupleType(item_type=item, min_length=least)
            | inspect.FrozenSetType(item_type=item, min_length=least)
        ):
            return f"a list{' that is not empty' if least else ''}; for each item {_words(item)}"
        case inspect.DictType(value_type=value):
            return f"a table; for each of its keys {_words(value)}"
        case inspect.StrType(min_length=int(least)):
            return f"a string in quotes, of {least} characters or more"
        case _:
            return "a string in quotes"
