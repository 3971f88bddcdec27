"""The search for users by IQ (XEP-0055), at the component's own domain."""

from __future__ import annotations

from components.common.build import Tag
from components.common.component import Component
from components.common.disco import Disco, Identity
from components.common.paging import RESULT_SET
from components.common.rate import Rate
from components.common.stanza import Stanza
from components.vcard import search
from components.vcard.config import VCardTable
from components.vcard.names import SEARCH
from components.vcard.service import VCards
from xmppd.domains import around
from xmppd.errors import StanzaError
from xmppd.jid import JID

_QUERY = f"{SEARCH} query"

DIRECTORY = Identity("directory", "user", "User Search")

STRANGERS = 10
"""How many times as often as one user all of a server elsewhere may search together: it may make as
many of them as it likes."""


def serve(component: Component, disco: Disco, vcards: VCards, config: VCardTable) -> None:
    """Answer searches, as far as the configuration lets anybody search."""
    if config.search == "off":
        return
    requests = SearchRequests(component, vcards, config)
    component.iq("get", _QUERY, requests.get)
    component.iq("set", _QUERY, requests.set)
    disco.add(SEARCH, RESULT_SET)


class SearchRequests:
    """Searches by the users of the component's servers, or by everybody."""

    def __init__(self, component: Component, vcards: VCards, config: VCardTable) -> None:
        self._vcards = vcards
        self._fields = search.fields().render()
        self._servers = {str(each) for each in component.servers}
        self._everybody = config.search == "everybody"
        self._rate = Rate(config.searches_per_minute, component.clock.seconds)
        self._strangers = Rate(STRANGERS * config.searches_per_minute, component.clock.seconds)

    def get(self, request: Stanza) -> bytes:
        """Tell by what users can be searched for (§2.1, §3)."""
        self._check(request)
        return self._fields

    async def set(self, request: Stanza) -> Tag:
        """Search for users (§2.1, §3), and give a page of them (XEP-0059)."""
        self._check(request)
        if not self._take(request.sender):
            raise StanzaError(
                "resource-constraint", "wait a minute", reason="search.rate", type="wait"
            )
        asked = search.submitted(request.payload)
        return search.answered(asked, await self._vcards.search(asked))

    def _take(self, sender: JID) -> bool:
        """Whether one search more is not too often; if so, it counts."""
        domain = sender.domain
        known = domain in self._servers or self._strangers.take(around(domain))
        return known and self._rate.take(sender.bare)

    def _check(self, request: Stanza) -> None:
        if not self._everybody and request.sender.domain not in self._servers:
            raise StanzaError("forbidden", "for users of the server only", reason="search.stranger")
