"""Changes of a roster: stored first, then in memory, then pushed (RFC 6121 §2.1.6)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from msgspec.structs import replace

from xmppd import ns, subscription
from xmppd.core import privacy_lists
from xmppd.core.host import Host
from xmppd.core.residents import Resident
from xmppd.core.sessions import Session
from xmppd.errors import StanzaError
from xmppd.storage.rosters import RosterItem
from xmppd.wire import build, escape
from xmppd.wire.build import Raw, Tag
from xmppd.wire.stanza import Stanza

INTERESTED = object()
"""The key in `Session.data` of who has asked for the roster: an interested resource (§2.2)."""


async def change(
    host: Host,
    resident: Resident,
    item: RosterItem,
    *,
    request: bytes | None = None,
    silent: bool = False,
) -> None:
    """Keep `item` as a new version of the roster and push it to interested resources.

    `resident.lock` is held. A mere request is no news for clients; `silent` pushes nothing at
    all. Raises StanzaError where the roster is full, StoreError; nothing has changed then.
    """
    roster = resident.roster
    before = roster.item(item.contact)
    if not before.state and len(roster) >= host.config.roster.items:
        raise StanzaError("resource-constraint", "the roster is full", reason="limit.roster")
    more = item.octets - before.octets
    if more > 0 and roster.octets + more > host.config.roster.octets:
        raise StanzaError("resource-constraint", "that is too long", reason="limit.roster-octets")
    item = replace(item, version=roster.version + 1)
    await host.stores.rosters.change(resident.id, before.state, item, request)
    roster.put(item)
    privacy_lists.follow_roster(host, resident, before)
    if not silent and (item.listed or before.listed):
        push(host, resident, (item,), host.directory.of(resident.jid))
        host.hooks.roster_changed(resident, item)


def push(
    host: Host, resident: Resident, items: Iterable[RosterItem], sessions: Iterable[Session]
) -> None:
    """Push items, one by one, to those of `sessions` that are interested (§2.1.6)."""
    interested = [session for session in sessions if INTERESTED in session.data]
    if not interested:
        return
    for item in items:
        stanza = pushed(resident, item)
        for session in interested:
            session.deliver(stanza.addressed(session.jid))


def pushed(resident: Resident, item: RosterItem) -> Stanza:
    """The push of an item, for nobody yet; it names the account that it comes from (§2.1.6)."""
    query = Tag(
        "query", {"ver": version_text(resident, item.version)}, [Raw(shown(item))], ns=ns.ROSTER
    )
    stanza = build.stanza("iq", {"type": "set", "id": secrets.token_hex(8)}, query)
    stanza.sender = resident.jid
    return stanza


def shown(item: RosterItem) -> bytes:
    """The item as clients see it (§2.1.2); one that is not listed is told as removed.

    Spelled out, since a roster may have thousands: as `Tag` they take four times as long.
    """
    state = item.state
    if not state & subscription.LISTED:
        return b"<item jid='%b' subscription='remove'/>" % item.contact.attr
    head = f" subscription='{subscription.SUBSCRIPTIONS[state & subscription.BOTH]}'"
    if item.name:
        head += f" name='{escape.attribute(item.name)}'"
    if state & subscription.OUT:
        head += " ask='subscribe'"
    if state & subscription.APPROVED:
        head += " approved='true'"
    if not item.groups:
        return b"<item jid='%b'%b/>" % (item.contact.attr, head.encode())
    groups = "".join([f"<group>{escape.text(group)}</group>" for group in item.groups])
    return b"<item jid='%b'%b>%b</item>" % (item.contact.attr, head.encode(), groups.encode())


def version_text(resident: Resident, version: int) -> str:
    """How clients are told a version: no account made later under the name has the same."""
    return f"{int(resident.created * 1000):x}-{version}"


def version_number(resident: Resident, text: str) -> int | None:
    """The version that `text` names; None where it is none of this roster's so far."""
    epoch, _, number = text.partition("-")
    if epoch != f"{int(resident.created * 1000):x}" or not number.isdecimal() or len(number) > 18:
        return None
    version = int(number)
    return version if version <= resident.roster.version else None
