"""Somebody's own subscriptions and affiliations, at a service or one node (XEP-0060 §5.6, §5.7).

Of a node that is not there he has none, which tells him nothing of those that he may not see.
"""

from __future__ import annotations

from components.common.build import Tag
from components.pubsub.faces.lists import listed
from components.pubsub.model.node import Subscription
from components.pubsub.model.ranks import Affiliation
from components.pubsub.requests import Request
from components.pubsub.service import Service

MOST = 10_000
"""Affiliations of one account at one service that are listed."""


def serve(service: Service) -> None:
    """Answer requests for one's own."""
    own = Own(service)
    service.requests.on("get", "subscriptions", own.subscriptions)
    service.requests.on("get", "affiliations", own.affiliations)


class Own:
    """Tells people what they have."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def subscriptions(self, request: Request) -> Tag:
        """Those of all JIDs of somebody, whatever their state (§5.6)."""
        found = await self._service.relations.subscriptions(request.service, request.asker.bare)
        if "node" in request.action.attrib:
            found = [each for each in found if each[0] == request.node]
        return listed(request, "subscriptions", found, _subscription, lambda each: each[1].subid)

    async def affiliations(self, request: Request) -> Tag:
        """What somebody is to nodes (§5.7); an account is the owner of its own (XEP-0163 §3)."""
        service, bare = self._service, request.asker.bare
        if bare == request.service:
            names = await service.store.names(request.service, most=MOST)
            found = [(name, Affiliation.OWNER) for name in names]
        else:
            found = list(await service.relations.affiliations(request.service, bare, MOST))
        if "node" in request.action.attrib:
            found = [each for each in found if each[0] == request.node]
        return listed(request, "affiliations", found, _affiliation, lambda each: each[0])


def _subscription(found: tuple[str, Subscription]) -> Tag:
    name, subscription = found
    attrs = {
        "node": name,
        "jid": subscription.jid,
        "subscription": subscription.state.value,
        "subid": subscription.subid,
    }
    return Tag("subscription", attrs)


def _affiliation(found: tuple[str, Affiliation]) -> Tag:
    name, rank = found
    return Tag("affiliation", {"node": name, "affiliation": rank.value})
