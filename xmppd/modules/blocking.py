"""Blocking Command (XEP-0191): whom a user blocks is a rule of his default privacy list (§5)."""

from __future__ import annotations

from collections.abc import Sequence

from xmppd import ns
from xmppd.core import behalf, privacy, privacy_lists
from xmppd.core.context import ModuleContext
from xmppd.core.host import Host
from xmppd.core.iq import On, Request
from xmppd.core.privacy import PrivacyList, is_block
from xmppd.core.privacy_lists import INTERESTED, Lists
from xmppd.core.sessions import Session
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError
from xmppd.storage.privacy import PrivacyItem
from xmppd.wire.build import Tag

XEP = (191, "1.3", "complete")

NAME = "blocked"
"""What the default list is called where the first block has to make one."""

_ITEM = f"{{{ns.BLOCKING}}}item"


def register(context: ModuleContext) -> None:
    """Tell the blocklist, block and unblock (§3.2 to §3.5), and tell of it (§3.1)."""
    host = context.host
    blocking = Blocking(host)
    context.iq(On.ACCOUNT, "get", f"{ns.BLOCKING} blocklist", blocking.get)
    context.iq(On.ACCOUNT, "set", f"{ns.BLOCKING} block", blocking.block)
    context.iq(On.ACCOUNT, "set", f"{ns.BLOCKING} unblock", blocking.unblock)
    context.advertise(ns.BLOCKING, when=lambda domain: privacy_lists.available(host))


class Blocking:
    """Answers for the blocklists of all accounts."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def get(self, request: Request) -> Tag:
        """Tell the blocklist; the session is told of its changes from here on (§3.2)."""
        session = await self._owner(request)
        blocked = privacy_lists.of(session.resident).blocked
        session.data[INTERESTED] = True
        items = [Tag("item", {"jid": jid}) for jid in blocked]
        return Tag("blocklist", {}, items, ns=ns.BLOCKING)

    async def block(self, request: Request) -> None:
        """Block one address or more (§3.3)."""
        session, jids = await self._owner(request), _jids(request)
        if not jids:
            raise _nobody()
        await self._change(session, jids, [])

    async def unblock(self, request: Request) -> None:
        """Unblock one address or more, or without any all (§3.4, §3.5)."""
        session, jids = await self._owner(request), _jids(request)
        everybody = not len(request.payload)
        if not jids and not everybody:
            raise _nobody()
        await self._change(session, [], jids, all_unblocked=everybody)

    async def _owner(self, request: Request) -> Session:
        """The session that asks of its own list; nobody else learns anything (RFC 6121 §8.5.1)."""
        session = await behalf.asker(self._host, request)
        if session is None:
            raise StanzaError("service-unavailable", reason="stanza.forbidden")
        return session

    async def _change(
        self,
        session: Session,
        blocked: Sequence[str],
        unblocked: Sequence[str],
        *,
        all_unblocked: bool = False,
    ) -> None:
        """Change the default list; the client is held until that is done."""
        resident = session.resident
        if resident.guest:
            raise StanzaError("not-allowed", "guests have no blocklist", reason="privacy.guest")
        release = session.hold()
        try:
            await resident.lock.acquire()
            try:
                lists = privacy_lists.of(resident)
                gone = lists.blocked if all_unblocked else unblocked
                after = self._changed(lists, blocked, gone)
                if after is not lists:
                    await privacy_lists.change(
                        self._host, resident, after, all_unblocked=all_unblocked
                    )
            finally:
                resident.lock.release()
        finally:
            release()

    def _changed(self, lists: Lists, blocked: Sequence[str], unblocked: Sequence[str]) -> Lists:
        """The lists with some addresses blocked and others not; the same where they are so."""
        default = lists.default
        if default is None:
            if not blocked:
                return lists
            default = PrivacyList(self._new_name(lists), ())
        moved = {*blocked, *unblocked}
        others = [i for i in default.items if not (is_block(i) and i.value in moved)]
        items = _at_head(blocked, others)
        if len(items) > max(self._host.config.privacy.items, len(default.items)):
            raise StanzaError("resource-constraint", reason="limit.privacy-items")
        if not blocked and len(others) == len(default.items):
            return lists
        return lists.with_list(PrivacyList(default.name, items)).with_default(default.name)

    def _new_name(self, lists: Lists) -> str:
        if len(lists.by_name) >= self._host.config.privacy.lists:
            raise StanzaError("resource-constraint", reason="limit.privacy-lists")
        names = (NAME, *(f"{NAME}-{number}" for number in range(2, len(lists.by_name) + 3)))
        return next(name for name in names if name not in lists.by_name)


def _at_head(blocked: Sequence[str], others: Sequence[PrivacyItem]) -> list[PrivacyItem]:
    """The rules of a list behind new ones, numbered anew where there is no room before (§5)."""
    first = others[0].order if others else len(blocked) + 1
    if first < len(blocked):
        others = [
            PrivacyItem(order, item.deny, item.kinds, item.type, item.value)
            for order, item in enumerate(others, len(blocked) + 1)
        ]
        first = len(blocked) + 1
    start = first - len(blocked)
    blocks = [
        PrivacyItem(order, True, privacy.ALL, "jid", jid)
        for order, jid in enumerate(blocked, start)
    ]
    return [*blocks, *others]


def _nobody() -> StanzaError:
    return StanzaError("bad-request", "whom? there is no item", reason="privacy.malformed")


def _jids(request: Request) -> list[str]:
    """The addresses that a request names, each once."""
    found: dict[str, None] = {}
    for item in request.payload.findall(_ITEM):
        text = item.get("jid")
        if text is None:
            raise StanzaError("bad-request", "an item needs a jid", reason="privacy.malformed")
        try:
            found[str(JID.parse(text))] = None
        except JIDError as error:
            raise StanzaError("jid-malformed", str(error), reason="privacy.malformed") from None
    return list(found)
