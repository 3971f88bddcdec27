"""The phases in which hooks see a stanza, and why they stand in this order.

A hook names its phase; there are no numbers. Within a phase hooks run in the order in which
their modules were loaded.
"""

from enum import IntEnum


class Phase(IntEnum):
    """When a hook runs, earliest first."""

    GUARD = 0
    """May refuse: privacy, blocking, limits. First, so that nobody else acts on what is refused."""
    REWRITE = 1
    """May replace the stanza: stamps, stripped forgeries. Before anybody keeps a copy."""
    ARCHIVE = 2
    """Keeps a durable record. Before any delivery, so that what was delivered is on record."""
    COPY = 3
    """Sends further copies: carbons, push. Copies carry what the archive stamped."""
    DELIVER = 4
    """Takes the stanza to where it goes."""
    FALLBACK = 5
    """Acts on what nobody took: offline storage, then an error to the sender."""
