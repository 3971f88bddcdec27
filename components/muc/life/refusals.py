"""The errors that answer presence: they name the protocol (XEP-0045 §7.2.5 to §7.2.10, §7.6).

There are clients that tell by this alone that they were refused.
"""

from __future__ import annotations

from components.common import answers
from components.common.stanza import Stanza
from components.muc.names import MUC
from xmppd.errors import StanzaError

_MUC = f"<x xmlns='{MUC}'/>".encode()


def refused(presence: Stanza, error: StanzaError) -> bytes:
    """The error that answers presence to a room; a password that was in it is not repeated."""
    return answers.error(presence, error, beside=_MUC)
