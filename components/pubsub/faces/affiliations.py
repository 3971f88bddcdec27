"""Owners see and change affiliations (XEP-0060 §8.9)."""

from __future__ import annotations

from components.common.build import Tag
from components.pubsub.faces import deltas
from components.pubsub.faces.lists import listed
from components.pubsub.faces.owners import check_owner
from components.pubsub.life.access import host
from components.pubsub.model import transitions
from components.pubsub.model.node import Node
from components.pubsub.model.ranks import Affiliation
from components.pubsub.requests import Request
from components.pubsub.service import Service
from xmppd.errors import StanzaError
from xmppd.jid import JID

_RANKS = {rank.value: rank for rank in Affiliation}


def serve(service: Service) -> None:
    """Answer requests for affiliations, and to change them."""
    affiliations = Affiliations(service)
    service.requests.on("get", "owner affiliations", affiliations.get)
    service.requests.on("set", "owner affiliations", affiliations.set)


class Affiliations:
    """Shows owners who is what, and has it changed."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def get(self, request: Request) -> Tag:
        """All of them but "none" (§8.9.1)."""
        node = await self._service.node(request)
        check_owner(self._service, node, request.asker)
        ranks = dict(node.affiliations)
        if node.personal:
            ranks[node.address.service] = Affiliation.OWNER
        return listed(
            request, "affiliations", sorted(ranks.items()), _tag, lambda each: str(each[0])
        )

    async def set(self, request: Request) -> None:
        """Change some (§8.9.2)."""
        node = await self._service.node(request)
        await node.lock.run(self._set, node, request)

    async def _set(self, node: Node, request: Request) -> None:
        check_owner(self._service, node, request.asker)
        changes, wrong = _read(node, request)
        refused = transitions.refused(node, changes)
        made = {jid: rank for jid, rank in changes.items() if jid not in refused}
        before = host(node)
        await self._service.affiliating.change(node, made, request.asker)
        if host(node) != before:
            await self._service.reviews.node(node)  # nobody has come in by a roster any more
        wrong += [_tag((jid, node.affiliation(jid))) for jid in changes if jid in refused]
        if wrong:
            raise deltas.wrong(request, "affiliations", wrong)


def _read(node: Node, request: Request) -> tuple[dict[JID, Affiliation], list[Tag]]:
    """The changes, by bare JID (§4.1), and the entries that make no sense.

    Raises StanzaError `bad-request` where somebody is there twice (§8.9.2.4).
    """
    changes: dict[JID, Affiliation] = {}
    wrong: list[Tag] = []
    seen: set[JID] = set()
    for written, jid, element in deltas.entries(request, "affiliation"):
        if jid is None:
            wrong.append(Tag("affiliation", {"jid": written, "affiliation": "none"}))
            continue
        if jid.bare in seen:
            raise StanzaError(
                "bad-request", f"{jid.bare} is there twice", reason="stanza.malformed"
            )
        seen.add(jid.bare)
        value = element.get("affiliation")
        if value is None:
            continue  # it stays as it is (§8.9.2.1)
        rank = _RANKS.get(value)
        if rank is None:
            wrong.append(_tag((jid.bare, node.affiliation(jid))))
        else:
            changes[jid.bare] = rank
    return changes, wrong


def _tag(one: tuple[JID, Affiliation]) -> Tag:
    jid, rank = one
    return Tag("affiliation", {"jid": jid, "affiliation": rank.value})
