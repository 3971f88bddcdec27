"""What owners change of lists: some entries, of which those that are wrong come back as they are.

The others are changed all the same: which they were the owner sees by what comes back (XEP-0060
§8.8.2.4, §8.9.2.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from components.common.answers import Partly
from components.common.build import Tag
from components.pubsub.model.parcels import fitting
from components.pubsub.names import PUBSUB_OWNER
from components.pubsub.requests import Request
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError

MOST = 500
"""Entries of one request: others may be told of each."""


def wrong(request: Request, local: str, entries: Sequence[Tag]) -> Partly:
    """The error for entries that can't be so: they come back as they are.

    As many as go into a stanza; who asks for the list sees the others.
    """
    told = Tag(local, {"node": request.node}, fitting(each.render() for each in entries))
    beside = Tag("pubsub", {}, [told], ns=PUBSUB_OWNER).render()
    return Partly("not-acceptable", reason="pubsub.not-applicable", beside=beside)


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
