"""Marks for many values in one statement."""

from __future__ import annotations

from collections.abc import Collection

from xmppd.storage.interfaces import Value


def marks(values: Collection[str], asked: list[Value]) -> str:
    """Marks for `values` in a list, which are added to what is asked.

    As many as the next power of two, so that there are few statements to be prepared.
    """
    return ", ".join("?" * _add(values, asked))


def rows_of(values: Collection[str], asked: list[Value]) -> str:
    """The same, each in a row of its own."""
    return ", ".join(["(?)"] * _add(values, asked))


def _add(values: Collection[str], asked: list[Value]) -> int:
    size = 1 << max(0, len(values) - 1).bit_length()
    last = ""
    for last in values:
        asked.append(last)
    asked += [last] * (size - len(values))
    return size
