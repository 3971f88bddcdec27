"""What differs between two configurations, and when it takes effect."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import TypeAlias

from xmppd.config.schema import Table

Content: TypeAlias = Table | Mapping[str, Table]
"""What stands at a name of the file: a table, or tables with names of their own."""

NEEDS_RESTART = frozenset(
    {
        "server.data",
        "listen.c2s",
        "listen.c2s_tls",
        "listen.s2s",
        "listen.s2s_tls",
        "listen.component",
        "listen.component_tls",
        "listen.control",
        "s2s.enabled",
        "store.url",
        "store.queue",
        "store.wait_seconds",
        "store.connections",
        "log.format",
    }
)
"""The keys that a running server can't change; every other one takes effect on reload.

What is read when a connection opens holds for the connections that open after the reload.
"""


def changes(old: Table, new: Table, now: Container[str] | None = None) -> list[str]:
    """Name each key that differs, in the order of the file, and when the new value holds.

    `now` are the keys that take effect at once, where that is not all but `NEEDS_RESTART`. Values
    are left out: one of them may be a secret.
    """
    found = []
    for table in old.__struct_fields__:
        before, after = getattr(old, table), getattr(new, table)
        for key, dotted in _named(table, before, after):
            if _value(before, key) != _value(after, key):
                at_once = dotted not in NEEDS_RESTART if now is None else dotted in now
                found.append(f"{dotted}: {'takes effect now' if at_once else 'needs a restart'}")
    return found


def _named(name: str, before: Content, after: Content) -> Iterator[tuple[str, str]]:
    """The keys of a table in either state, and how they are spelled."""
    if isinstance(before, Table):
        for key in before.__struct_fields__:
            yield key, f"{name}.{key}"
    else:  # tables with names of the operator's own
        for key in dict.fromkeys((*before, *(after if isinstance(after, Mapping) else ()))):
            yield key, f'{name}."{key}"'


def _value(content: Content, key: str) -> object:
    return content.get(key) if isinstance(content, Mapping) else getattr(content, key)
