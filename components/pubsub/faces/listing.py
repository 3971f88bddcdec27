"""Lists of nodes, and of the items of a node, page by page (XEP-0060 §5.2, §5.5, XEP-0059).

Rule 1: a list has what the asker may see, and says nothing of the rest, not how much it is.
Rule 2: each page is small enough for a stanza, whatever the names in it are like.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from components.common import paging
from components.common.build import Tag
from components.common.disco import Item, items_tag
from components.common.paging import Found, Page
from components.common.stanza import Stanza
from components.pubsub.faults import unsupported
from components.pubsub.life.access import by_contact
from components.pubsub.model.node import Address
from components.pubsub.model.settings import Settings
from components.pubsub.service import Service
from components.pubsub.store.listing import Listed, Scope
from xmppd.errors import StanzaError

PAGE = 250
"""Nodes or items of one page."""
OCTETS = 100_000
"""What they may take together: a stanza has to go through every server on its way."""
ROUNDS = 20
"""How often is looked for more where what was found is not for the asker."""
LOOKS = 100
"""Nodes at the domain that are opened for one page, to see whether their creators let him find
them: where there are more, the page ends with them,"""
LOOKS_A_MINUTE = 1_000
"""and for one account together, or for all accounts of another server."""

_EACH = len("<item jid='' node='' name=''/>")
_WRITTEN = 6
"""Octets that a character of a name may take: `'` is written `&apos;`."""


async def nodes(service: Service, scope: Scope, request: Stanza) -> Tag:
    """The nodes that somebody may see at a place (§5.2)."""
    asked = request.payload.find(paging.SET)
    page = paging.asked(asked, PAGE)
    if page.index:
        raise unsupported("rsm-index", "pages are asked for by the node that stands before them")
    backwards = page.before is not None
    found, more = await _found(service, scope, page)
    items = [Item(str(each.address.service), each.title, each.address.name) for each in found]
    fitting = fitted(items, backwards=backwards)
    node = request.payload.get("node", "")
    whole = not more and len(fitting) == len(items)
    if asked is None and whole:
        return items_tag(fitting, node)
    count = None
    if asked is not None:
        whole = whole and page.most > 0 and not (page.after or page.before)
        count = len(fitting) if whole else await _count(service, scope)
    return told(Found(fitting, None, count), lambda item: item.node, node)


async def _count(service: Service, scope: Scope) -> int | None:
    """How many there are; None where that would say whether an account has others, or is there."""
    if scope.service.local and not scope.everything:
        return None
    return await service.listing.count(scope)


async def _found(service: Service, scope: Scope, page: Page) -> tuple[Sequence[Listed], bool]:
    """A page of those that the asker may see, in order, and whether there may be more."""
    backwards = page.before is not None
    at = page.before if page.before is not None else page.after
    read = service.listing.before if backwards else service.listing.after
    seen: list[Listed] = []
    more = page.most > 0
    looks = LOOKS
    for _ in range(ROUNDS):
        if not more:
            break
        rows = await read(scope, at, page.most + 1)
        more = len(rows) > page.most
        for row in rows:
            if len(seen) == page.most:
                more = True
                break
            if row.admission is not None and not scope.service.local:
                looks -= 1
                if looks < 0:
                    return (seen[::-1] if backwards else seen), True
            if row.admission is None or await _sees(service, scope, row.address, row.admission):
                seen.append(row)
        else:
            at = rows[-1].address.name if rows else at
            continue
        break
    return (seen[::-1] if backwards else seen), more


async def _sees(service: Service, scope: Scope, address: Address, admission: Settings) -> bool:
    """Whether rosters let somebody find a node: the account's, or its creator's."""
    if address.personal:
        return by_contact(admission, await service.access.contact(scope.service, scope.asker))
    asker = scope.asker
    if not service.looks.take(asker if asker.domain in service.policy.domains else asker.domain):
        text = "too many nodes are looked at"
        raise StanzaError("resource-constraint", text, reason="pubsub.looks", type="wait")
    node = await service.nodes.open(address)
    return node is not None and await service.access.sees(node, asker)


def told(found: Found[Item], identify: Callable[[Item], str], node: str) -> Tag:
    """A page as an answer, which says that it is one."""
    return items_tag(found.items, node, paging.told(found, identify))


def fitted(items: Sequence[Item], *, backwards: bool) -> Sequence[Item]:
    """As many of the items as fit into a stanza; those at the end where it is read backwards."""
    chosen: list[Item] = []
    octets = OCTETS
    for each in reversed(items) if backwards else items:
        octets -= _EACH + _WRITTEN * len(each.name + each.node) + len(each.jid.encode())
        if octets < 0 and chosen:
            break
        chosen.append(each)
    return chosen[::-1] if backwards else chosen
