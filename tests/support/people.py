"""Users of the server in memory who know each other: rosters, subscriptions, what they are told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from xml.etree.ElementTree import Element

from tests.support.server import DOMAIN, Client, Verona
from xmppd import ns
from xmppd.jid import JID
from xmppd.storage.rosters import RosterItem
from xmppd.subscription import BOTH, LISTED

JULIET, ROMEO, NURSE = (f"{name}@{DOMAIN}" for name in ("juliet", "romeo", "nurse"))
R = f"{{{ns.ROSTER}}}"
C = f"{{{ns.CLIENT}}}"

GET = f"<query xmlns='{ns.ROSTER}'/>"


def item(jid: str, name: str = "", groups: Iterable[str] = (), **attrs: str) -> str:
    """A roster set's payload."""
    shown = "".join(f" {key}='{value}'" for key, value in attrs.items())
    named = f" name='{name}'" if name else ""
    inner = "".join(f"<group>{group}</group>" for group in groups)
    return f"<query xmlns='{ns.ROSTER}'><item jid='{jid}'{named}{shown}>{inner}</item></query>"


def roster(client: Client) -> dict[str, dict[str, Any]]:
    """The whole roster, by contact: each item's attributes, and its groups where it has any."""
    answer = client.ask(GET)
    assert answer.get("type") == "result"
    return items(answer)


def items(element: Element) -> dict[str, dict[str, Any]]:
    """The roster items of a result or a push, by contact."""
    found: dict[str, dict[str, Any]] = {}
    for each in element.iter(f"{R}item"):
        attrs: dict[str, Any] = dict(each.attrib)
        groups = [group.text for group in each]
        if groups:
            attrs["groups"] = groups
        found[attrs.pop("jid")] = attrs
    return found


def put(server: Verona, account: str, contact: str, state: int = BOTH | LISTED) -> None:
    """Have a contact in the store in some state, before anybody logs in."""
    resident = server.resident(account)
    version = resident.roster.version + 1
    new = RosterItem(JID.parse(contact), state, version=version)
    server.done(server.host.stores.rosters.change(resident.id, 0, new))
    resident.roster.put(new)


def friends(server: Verona, one: str, other: str) -> None:
    """Have two accounts subscribed to each other."""
    put(server, one, other)
    put(server, other, one)


def told(client: Client) -> list[tuple[str, ...]]:
    """What came, in short: presence as (type, from), pushes as ("push", contact, subscription).

    Of a message its type and sender, of an IQ that is none of these its type.
    """
    return [short(element) for element in client.elements()]


def short(element: Element) -> tuple[str, ...]:
    """One stanza in short, as in `told`."""
    kind = element.tag.removeprefix(C)
    if kind == "presence":
        return (element.get("type", "available"), element.get("from", ""))
    push = element.find(f"{R}query/{R}item")
    if kind == "iq" and element.get("type") == "set" and push is not None:
        shown = push.get("subscription", "")
        pending = "+ask" if push.get("ask") else ""
        approved = "+approved" if push.get("approved") else ""
        return ("push", push.get("jid", ""), shown + pending + approved)
    return (kind, element.get("type", ""), element.get("from", ""))
