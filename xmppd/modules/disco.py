"""Service Discovery (XEP-0030) of the server and of its accounts.

An account answers its user, and who may see his presence. Anybody else reads the same whether
there is such an account or not.
"""

from __future__ import annotations

from functools import partial

from xmppd import ns
from xmppd.core import presence
from xmppd.core.context import ModuleContext
from xmppd.core.disco import CAPS_NODE, Advertised, Identity
from xmppd.core.host import Host
from xmppd.core.iq import On, Request
from xmppd.core.residents import Resident
from xmppd.errors import StanzaError
from xmppd.wire.build import Tag

XEP = (30, "2.5.0", "complete")

_INFO = f"{ns.DISCO_INFO} query"
_ITEMS = f"{ns.DISCO_ITEMS} query"


def register(context: ModuleContext) -> None:
    """Answer disco#info and disco#items for domains and accounts."""
    host = context.host
    context.identity(On.HOST, Identity("server", "im", "xmppd"))
    context.advertise(ns.DISCO_INFO, *On)
    context.advertise(ns.DISCO_ITEMS, *On)
    context.iq(On.HOST, "get", _INFO, partial(_host_info, host.advertised))
    context.iq(On.HOST, "get", _ITEMS, partial(_host_items, host.advertised))
    context.iq(On.ACCOUNT, "get", _INFO, partial(_account_info, host))
    context.iq(On.ACCOUNT, "get", _ITEMS, partial(_account_items, host))


def _host_info(advertised: Advertised, request: Request) -> Tag:
    """Tell what the server is (§3.1); the node of its capabilities means the same (XEP-0115 §6.2).

    A capabilities node with an old hash is unknown: the answer would not match it.
    """
    node = request.payload.get("node")
    if node and not _is_caps_node(advertised, request.to.domain, node):
        raise _unknown_node()
    return Tag(
        "query", {"node": node}, advertised.info(On.HOST, request.to.domain), ns=ns.DISCO_INFO
    )


def _is_caps_node(advertised: Advertised, domain: str, node: str) -> bool:
    used = ns.CAPS in advertised.features(On.HOST, domain)
    return used and node == f"{CAPS_NODE}#{advertised.ver(domain)}"


def _host_items(advertised: Advertised, request: Request) -> Tag:
    """List what is connected to the server (§4.1), an empty list if nothing is (§7)."""
    if request.payload.get("node"):
        raise _unknown_node()
    found = {jid for items in advertised.items for jid in items()}
    return _items(sorted(found))


async def _account_info(host: Host, request: Request) -> Tag:
    """Tell what the account is (§3.1), a guest that he is one (XEP-0175 §5).

    Strangers read the same error, whether there is such an account or not (§8, rule 1).
    """
    if await _seen(host, request) is None:
        raise StanzaError("service-unavailable", reason="stanza.forbidden")
    if request.payload.get("node"):
        raise _unknown_node()
    guest = request.to.domain in host.config.auth.anonymous
    kind = Identity("account", "anonymous" if guest else "registered")
    told = host.advertised.info(On.ACCOUNT, request.to.domain)
    return Tag("query", {}, [kind.tag(), *told], ns=ns.DISCO_INFO)


async def _account_items(host: Host, request: Request) -> Tag:
    """List the account's available resources (§4.1).

    For strangers the list is empty, whether there is such an account or not (§8, rule 2).
    """
    node = request.payload.get("node")
    resident = await _seen(host, request)
    if resident is None:
        return _items([], node)
    if node:
        raise _unknown_node()
    return _items([session.jid for session in presence.shown(host, resident, request.sender)])


async def _seen(host: Host, request: Request) -> Resident | None:
    """The account that is asked, if it is there and who asks may see its presence."""
    resident = await host.residents.fetch(request.to)
    if resident is None or not presence.visible(host, resident, request.sender):
        return None
    return resident


def _items(jids: list[str], node: str | None = None) -> Tag:
    tags = [Tag("item", {"jid": jid}) for jid in jids]
    return Tag("query", {"node": node}, tags, ns=ns.DISCO_ITEMS)


def _unknown_node() -> StanzaError:
    return StanzaError("item-not-found", reason="stanza.node")
