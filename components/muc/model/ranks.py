"""Roles and affiliations (XEP-0045 §5.1, §5.2), in the order of their privileges."""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """What somebody may do as long as he is in the room."""

    NONE = 0
    VISITOR = 1
    PARTICIPANT = 2
    MODERATOR = 3

    @property
    def text(self) -> str:
        """What it is called on the wire."""
        return _ROLES[self]


class Affiliation(IntEnum):
    """What somebody is to the room, in it or not."""

    OUTCAST = -1
    NONE = 0
    MEMBER = 1
    ADMIN = 2
    OWNER = 3

    @property
    def text(self) -> str:
        """What it is called on the wire."""
        return _AFFILIATIONS[self]


# Texts by number: an enumeration finds its names slowly, and each presence has both.
_ROLES = tuple(role.name.lower() for role in Role)
_AFFILIATIONS = {affiliation: affiliation.name.lower() for affiliation in Affiliation}

ROLES = {role.text: role for role in Role}
AFFILIATIONS = {affiliation.text: affiliation for affiliation in Affiliation}
