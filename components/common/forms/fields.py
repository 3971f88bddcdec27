"""The types of fields (XEP-0004 §3.3), each with the Python type of its value.

    NAME = text_single("muc#roomconfig_roomname", "Name", most=100)
    PUBLIC = boolean("muc#roomconfig_publicroom", "List the room?")

A `Field[bool]` reads as a bool and is written from one; so do the others, for mypy as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, Unpack

from components.common.forms.datatypes import (
    ADDRESS,
    BOOLEAN,
    INTEGER,
    LINES,
    STRING,
    Datatype,
)
from components.common.forms.field import Field, Shown
from components.common.forms.validation import Method, Open, Range, Validation
from xmppd.jid import JID

V = TypeVar("V")

LINE = 1_023
"""Characters of a line of text, unless its field says otherwise."""
LONGEST = 4_096
"""Characters of one of several values: an address has fewer."""
TEXT = 10_000
"""Characters of a text of several lines, unless its field says otherwise."""
VALUES = 500
"""Values of a field that has no options to choose from, unless it says otherwise."""

# ---------------------------------------------------------------------- one value


def boolean(var: str, label: str = "", **shown: Unpack[Shown]) -> Field[bool]:
    """Yes or no; filled in with nothing it is no, its default (§3.3)."""

    def read(texts: Sequence[str]) -> bool:
        return BOOLEAN.read(texts[0]) if any(texts) else False

    return Field(var, "boolean", label, read, lambda value: [BOOLEAN.write(value)], **shown)


def text_single(
    var: str,
    label: str = "",
    *,
    most: int = LINE,
    method: Method | None = None,
    **shown: Unpack[Shown],
) -> Field[str]:
    """A line of text, of `most` characters."""
    return _one(var, "text-single", label, Validation(STRING, method), most, shown)


def text_private(
    var: str, label: str = "", *, most: int = LINE, **shown: Unpack[Shown]
) -> Field[str]:
    """A line of text that is not to be seen while it is typed."""
    return _one(var, "text-private", label, Validation(STRING), most, shown)


def typed(
    var: str,
    label: str,
    datatype: Datatype[V],
    method: Method | None = None,
    **shown: Unpack[Shown],
) -> Field[V]:
    """A value of another datatype than text (XEP-0122 §3.1)."""
    return _one(var, "text-single", label, Validation(datatype, method), LINE, shown)


def number(
    var: str,
    label: str = "",
    *,
    least: int | None = None,
    most: int | None = None,
    **shown: Unpack[Shown],
) -> Field[int]:
    """A whole number from `least` to `most` (XEP-0122 §3.2.3)."""
    ends = least is not None or most is not None
    return typed(var, label, INTEGER, Range(least, most) if ends else None, **shown)


def jid_single(var: str, label: str = "", **shown: Unpack[Shown]) -> Field[JID]:
    """An address."""
    return _one(var, "jid-single", label, Validation(ADDRESS), LONGEST, shown)


def hidden(var: str, *, most: int = LINE) -> Field[str]:
    """What the client gives back and shows nobody; it may have changed it all the same."""
    return _one(var, "hidden", "", Validation(STRING), most, {})


def list_single(
    var: str,
    label: str,
    options: Mapping[str, str],
    *,
    method: Method | None = None,
    **shown: Unpack[Shown],
) -> Field[str]:
    """One of `options`, which are labels by value; others too by any `method` (XEP-0122 §3.2)."""
    validation = Validation(STRING, method)
    _distinct(var, options)

    def read(texts: Sequence[str]) -> str:
        return _chosen(texts[0] if texts else "", options, validation)

    return Field(
        var,
        "list-single",
        label,
        read,
        lambda value: [value],
        options=options,
        validate=validation.tag(),
        **shown,
    )


def optional(field: Field[V]) -> Field[V | None]:
    """The field, one of whose values is that it has none: None (XEP-0004 §3.6)."""

    def read(texts: Sequence[str]) -> V | None:
        return field.read(texts) if any(texts) else None

    def write(value: V | None) -> Sequence[str]:
        return () if value is None else field.write(value)

    return Field(
        field.var,
        field.type,
        field.label,
        read,
        write,
        several=field.several,
        options=field.options,
        validate=field.validate,
        desc=field.desc,
        required=field.required,
        content=field.content,
    )


def blank(field: Field[str]) -> Field[str]:
    """The field, which may have no value: "" then.

    No option says so: it would have no text.
    """

    def read(texts: Sequence[str]) -> str:
        return field.read(texts) if any(texts) else ""

    def write(value: str) -> Sequence[str]:
        return field.write(value) if value else ()

    return dataclasses.replace(field, read=read, write=write)


def _one(
    var: str, type_: str, label: str, validation: Validation[V], most: int, shown: Shown
) -> Field[V]:
    def read(texts: Sequence[str]) -> V:
        return validation.read(_short(texts[0], most) if texts else "")

    def write(value: V) -> Sequence[str]:
        return [validation.datatype.write(value)]

    return Field(var, type_, label, read, write, validate=validation.tag(), **shown)


# ---------------------------------------------------------------------- several values


def text_multi(
    var: str, label: str = "", *, most: int = TEXT, **shown: Unpack[Shown]
) -> Field[str]:
    """A text of several lines, `most` characters in all: each is sent for itself (§3.3)."""

    def read(texts: Sequence[str]) -> str:
        return LINES.read(_short("\n".join(texts), most))

    def write(value: str) -> Sequence[str]:
        return value.split("\n") if value else ()

    return Field(var, "text-multi", label, read, write, several=True, **shown)


def texts(
    var: str,
    label: str = "",
    *,
    most: int = VALUES,
    method: Method | None = None,
    **shown: Unpack[Shown],
) -> Field[tuple[str, ...]]:
    """Texts, each of them a line and a value by itself (XEP-0122 §3.2.2 on text-multi)."""
    validation = Validation(STRING, method or Open())
    return _several(var, "text-multi", label, validation, most, shown)


def jid_multi(
    var: str, label: str = "", *, most: int = VALUES, **shown: Unpack[Shown]
) -> Field[tuple[JID, ...]]:
    """Addresses, none of them twice (§3.3)."""
    return _several(var, "jid-multi", label, Validation(ADDRESS), most, shown)


def list_multi(
    var: str,
    label: str,
    options: Mapping[str, str],
    *,
    method: Method | None = None,
    fewest: int | None = None,
    most: int | None = None,
    **shown: Unpack[Shown],
) -> Field[tuple[str, ...]]:
    """Some of `options`; from `fewest` to `most` of them (XEP-0122 §3.3). See `list_single`."""
    validation = Validation(STRING, method, fewest, most)
    _distinct(var, options)

    def read(texts: Sequence[str]) -> tuple[str, ...]:
        some = [text for text in dict.fromkeys(texts) if text or text in options]
        _few(some, VALUES)
        validation.count(len(some))
        return tuple(_chosen(text, options, validation) for text in some)

    return Field(
        var,
        "list-multi",
        label,
        read,
        tuple,
        several=True,
        options=options,
        validate=validation.tag(),
        **shown,
    )


def _several(
    var: str, type_: str, label: str, validation: Validation[V], most: int, shown: Shown
) -> Field[tuple[V, ...]]:
    """A field whose blank texts say nothing, and whose values do not come twice."""

    def read(texts: Sequence[str]) -> tuple[V, ...]:
        some = [text for text in texts if text.strip()]
        _few(some, most)
        return tuple(dict.fromkeys(validation.read(_short(text, LONGEST)) for text in some))

    def write(values: tuple[V, ...]) -> Sequence[str]:
        return [validation.datatype.write(value) for value in values]

    return Field(var, type_, label, read, write, True, validate=validation.tag(), **shown)


# ---------------------------------------------------------------------- what both have


def _chosen(text: str, options: Mapping[str, str], validation: Validation[str]) -> str:
    if text in options:
        return text
    if not validation.opened:
        raise ValueError("one of the options is wanted")
    return validation.read(_short(text, LINE))


def _short(text: str, most: int) -> str:
    if len(text) > most:
        raise ValueError(f"no more than {most} characters are wanted")
    return text


def _few(values: Sequence[Any], most: int) -> None:
    if len(values) > most:
        raise ValueError(f"no more than {most} values are wanted")


def _distinct(var: str, options: Mapping[str, str]) -> None:
    """Raises ValueError for options that people can't tell apart, or see (§3.3).

    Of one without a text some clients even die.
    """
    if "" in options:
        raise ValueError(f"{var}: an option has no text")
    labels = [label for label in options.values() if label]
    if len(set(labels)) < len(labels):
        raise ValueError(f"{var}: two options have the same label")
