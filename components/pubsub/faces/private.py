"""Bookmarks for clients that keep them in private storage (XEP-0049, XEP-0411, XEP-0402 §5.3).

All of `jabber:iq:private` is delegated to the service. What is no bookmark it hands on to the
server, which answers a component's own request itself (XEP-0356 §6, XEP-0355 §4.4). Bookmarks that
were in the server's store before are taken over when the account first comes by.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from components.common import tree
from components.common.build import Tag
from components.common.disco import Info
from components.common.requests import RequestFailed
from components.common.stanza import Stanza
from components.common.whole import wholly
from components.pubsub.faults import forbidden
from components.pubsub.life.bookmarks import Bookmarks
from components.pubsub.model import bookmark
from components.pubsub.model.bookmark import NATIVE, OLD, STORAGE
from components.pubsub.service import Service
from xmppd import ns
from xmppd.errors import StanzaError, StoreError
from xmppd.jid import JID

log = Logger(namespace="component")

FEATURES = (f"{NATIVE}#compat", f"{NATIVE}#compat-pep", "urn:xmpp:bookmarks-conversion:0")
"""What says that clients have the same bookmarks, whatever they do (XEP-0402 §5.3, XEP-0411 §2)."""

MOST_SEEN = 100_000
"""Of how many accounts it is known that nothing is left to be taken over."""

_NO_ROOM = ("pubsub.bookmark", "pubsub.full", "pubsub.kept-octets", "pubsub.nodes")
"""Why bookmarks are not taken over: they are too much, for the nodes or for their owner."""

_EMPTY = Tag("storage", ns=OLD).render()


def serve(service: Service) -> None:
    """Answer for private storage."""
    private = Private(service)
    for type_, responder in (("get", private.get), ("set", private.set)):
        service.delegation.iq(type_, f"{ns.PRIVATE} query", responder)
    service.delegation.namespace(
        ns.PRIVATE, server=Info(features=(ns.PRIVATE,)), bare=private.features
    )
    service.presences.on_gain(private.gained)


class Private:
    """Takes bookmarks out of private storage, and the rest to it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._bookmarks = Bookmarks(
            service.nodes, service.items, service.publishing, service.policy, service.now
        )
        self._seen: dict[JID, None] = {}

    def features(self) -> Info:
        """What accounts can do by it: the server has to let it ask."""
        granted = all(
            self._service.privilege.of(server).iq.get(ns.PRIVATE) == "both"
            for server in self._service.component.servers
        )
        return Info(features=FEATURES if granted else ())

    # ------------------------------------------------------------------ requests

    async def get(self, request: Stanza) -> bytes:
        """Give what is stored under a name (XEP-0049 §2.3)."""
        account, bookmarks = _account(request), self._bookmarks
        if [each.tag for each in request.payload] != [STORAGE]:
            return await self._hand_on(account, "get", request.payload)
        async with bookmarks.turns.of(account):
            if not await bookmarks.private(account) or not await self._take_over(account):
                self._seen.pop(account, None)
                return await self._hand_on(account, "get", request.payload)
            return _query([bookmark.written(await bookmarks.read(account))])

    async def set(self, request: Stanza) -> None:
        """Store elements in place of those of the same names (XEP-0049 §2.3)."""
        account, bookmarks = _account(request), self._bookmarks
        if tree.count(request.payload) > self._service.policy.elements:
            raise _too_many("too many elements")
        stores = [each for each in request.payload if each.tag == STORAGE]
        async with bookmarks.turns.of(account):
            if (
                not stores
                or not await bookmarks.private(account)
                or not await self._take_over(account)
            ):
                self._seen.pop(account, None)
                await self._hand_on(account, "set", request.payload)
                return
            wanted = bookmark.storage([each for store in stores for each in store])
            await bookmarks.check(account, wanted)
            rest = [each for each in request.payload if each.tag != STORAGE]
            if rest:  # first of all: it is refused where something of it can't be stored
                await self._ask(account, "set", [*map(tree.written, rest)])
            await wholly(bookmarks.write(account, wanted, request.sender))

    async def _hand_on(self, account: JID, type_: str, query: Element) -> bytes:
        """Have the server answer as it would have without anybody in its place.

        Of several names no more elements are given than go into an answer; of one, all there are.
        """
        answer = await self._ask(account, type_, [*map(tree.written, query)])
        if len(query) > 1 and tree.count_written(answer.inner) > self._service.policy.elements:
            raise _too_many("too many elements: ask for one name at a time")
        return answer.inner

    async def _ask(self, account: JID, type_: str, elements: Sequence[bytes]) -> Stanza:
        payload = Tag("query", {}, elements, ns=ns.PRIVATE)
        try:
            return await self._service.privilege.ask(account, account, type_, payload)
        except RequestFailed as failed:
            raise StanzaError(
                failed.condition, failed.text, reason="pubsub.private", type=_type(failed)
            ) from None

    # ------------------------------------------------------------------ taking over

    def gained(self, client: JID, names: frozenset[str]) -> None:
        """A client wants to be told of bookmarks: those that wait in the old place, too.

        (XEP-0411 §4)
        """
        account, service = client.bare, self._service
        if account.domain not in service.policy.domains:
            return  # his own server sees to his
        wanted = not names.isdisjoint((NATIVE, OLD)) and account not in self._seen
        if wanted and service.instances.own(account):
            later = Deferred.fromCoroutine(self._look(account))
            later.addErrback(lambda failure: log.failure("bookmarks were not taken over", failure))

    async def _look(self, account: JID) -> None:
        try:
            async with self._bookmarks.turns.of(account):
                if await self._bookmarks.private(account):
                    await self._take_over(account)
        except (StanzaError, StoreError) as error:
            log.warn(
                "bookmarks of {account} stay in private storage: {error}",
                account=account,
                error=str(error),
            )

    async def _take_over(self, account: JID) -> bool:
        """Move what is in the server's store; to be looked for once.

        False where it stays there, since the nodes can't have it.
        """
        if account in self._seen:
            return True
        asked = await self._ask(account, "get", [_EMPTY])
        found = asked.element.find(f"{{{ns.PRIVATE}}}query/{STORAGE}")
        if found is not None and len(found):
            try:
                await wholly(self._bookmarks.add(account, bookmark.storage(found)))
            except StanzaError as error:
                if error.reason not in _NO_ROOM:
                    raise
                log.info("bookmarks of {account} stay: {error}", account=account, error=str(error))
                return False
            await self._ask(account, "set", [_EMPTY])
        self._note(account)
        return True

    def _note(self, account: JID) -> None:
        self._seen[account] = None
        if len(self._seen) > MOST_SEEN:
            del self._seen[next(iter(self._seen))]


def _account(request: Stanza) -> JID:
    """Whose storage it is: nobody has another's (XEP-0049 §2.3, §4)."""
    account = request.to.bare
    if request.sender.bare != account:
        raise forbidden()
    return account


def _too_many(text: str) -> StanzaError:
    return StanzaError("policy-violation", text, reason="pubsub.private-elements")


def _query(elements: Sequence[Any]) -> bytes:
    return Tag("query", {}, elements, ns=ns.PRIVATE).render()


def _type(failed: RequestFailed) -> str | None:
    """The type of an error as it came; None where none came."""
    if failed.stanza is None:
        return None
    found = failed.stanza.element.find(failed.stanza.named("error"))
    return None if found is None else found.get("type")
