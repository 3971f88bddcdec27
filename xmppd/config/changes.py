"""What differs between two configurations, and when it takes effect."""

from __future__ import annotations

from xmppd.config.schema import Config

NEEDS_RESTART = frozenset(
    {
        "server.data",
        "listen.c2s",
        "listen.c2s_tls",
        "listen.control",
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


def changes(old: Config, new: Config) -> list[str]:
    """Name each key that differs, in the order of the file, and when the new value holds.

    Values are left out: one of them may be a secret.
    """
    found = []
    for table in old.__struct_fields__:
        before, after = getattr(old, table), getattr(new, table)
        for key in before.__struct_fields__:
            if getattr(before, key) != getattr(after, key):
                dotted = f"{table}.{key}"
                when = "needs a restart" if dotted in NEEDS_RESTART else "takes effect now"
                found.append(f"{dotted}: {when}")
    return found
