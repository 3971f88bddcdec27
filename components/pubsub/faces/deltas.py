"""What owners change of lists: some entries, of which those that are wrong come back as they are.

The others are changed all the same: which they were the owner sees by what comes back (XEP-0060
§8.8.2.4, §8.9.2.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from components.common import answers
from components.common.build import Tag
from components.common.component import Component
from components.common.stanza import Stanza
from components.pubsub.names import PUBSUB_OWNER
from components.pubsub.requests import Request
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError

MOST = 500
"""Entries of one request: others may be told of each."""


class WrongEntries(StanzaError):
    """Some entries of a list can't be so; `beside` is the list of them, as it is."""

    def __init__(self, request: Request, local: str, entries: Sequence[Tag]) -> None:
        super().__init__("not-acceptable", reason="pubsub.not-applicable")
        told = Tag(local, {"node": request.node}, entries)
        self.beside = Tag("pubsub", {}, [told], ns=PUBSUB_OWNER).render()


def write_error(stanza: Stanza, error: StanzaError, namespace: str = "") -> bytes:
    """The error that answers a request, with the entries that are wrong."""
    beside = error.beside if isinstance(error, WrongEntries) else b""
    return answers.error(stanza, error, namespace, beside=beside)


def serve_errors(component: Component) -> None:
    """Have errors written so."""
    component.errors("iq", write_error)


def entries(request: Request, local: str) -> Iterator[tuple[str, JID | None, Element]]:
    """The entries of a request: the JID as it was written and as it is, None for what is none.

    Raises StanzaError `not-acceptable` for too many.
    """
    if len(request.action) > MOST:
        text = f"{MOST} changes at once are the most"
        raise StanzaError("not-acceptable", text, reason="pubsub.not-applicable")
    namespace = request.action.tag.removeprefix("{").partition("}")[0]
    for each in request.action.iterfind(f"{{{namespace}}}{local}"):
        written = each.get("jid", "")
        try:
            yield written, JID.parse(written), each
        except JIDError:
            yield written, None, each
