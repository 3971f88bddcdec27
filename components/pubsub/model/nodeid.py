"""What a node may be called (XEP-0060 §4.6, §13.9)."""

from __future__ import annotations

from xmppd.jid import JIDError, prepare_resource

OCTETS = 1_023
"""Of one NodeID: so long a resource may be (RFC 6122 §2.4)."""


def check(name: str) -> None:
    """Raise ValueError, with what is wrong, for what no node may be called.

    Any text that Resourceprep leaves as it is will do (§4.6.2): so no two nodes have names that
    people, and services that do prepare them, take for the same.
    """
    if len(name.encode()) > OCTETS:
        raise ValueError("the NodeID is too long")
    try:
        prepared = prepare_resource(name)
    except JIDError as error:
        raise ValueError(f"no NodeID: {error}") from error
    if prepared != name:
        raise ValueError("the NodeID is not as Resourceprep would have it")
