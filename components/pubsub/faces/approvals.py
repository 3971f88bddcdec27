"""Forms in which owners say whether somebody may subscribe (XEP-0060 §8.6).

They come to the service's domain, whosoever node it is: the instance that has it decides.
"""

from __future__ import annotations

from components.common.forms import submission
from components.common.forms.values import Values
from components.common.stanza import Stanza
from components.pubsub.faces.owners import check_owner, node_at
from components.pubsub.faults import no_node, refusal
from components.pubsub.life.approvals import ALLOW, NODE, REQUEST, SERVICE, SUBID, SUBSCRIBER
from components.pubsub.model.node import Address, Node
from components.pubsub.model.ranks import State
from components.pubsub.names import SUBSCRIBE_AUTHORIZATION
from components.pubsub.service import Service
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError

FORM = f"{ns.DATA_FORM} x"


def serve(service: Service) -> None:
    """Take the forms."""
    service.component.on_message(Decisions(service).came, FORM)


class Decisions:
    """Has done what owners say."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def came(self, stanza: Stanza) -> None:
        """Take a form; one that was canceled leaves the request as it is."""
        x = stanza.element.find(submission.X)
        assert x is not None
        if submission.canceled(x):
            return
        if submission.form_type(x) != SUBSCRIBE_AUTHORIZATION:
            raise StanzaError("bad-request", "nobody waits for that form", reason="pubsub.form")
        values = REQUEST.submitted(x)
        allowed = values.get(ALLOW, None)
        if allowed is None:
            raise StanzaError("bad-request", "yes or no is wanted", reason="pubsub.form")
        address, instances = self._address(values), self._service.instances
        await instances.known()
        if not instances.own(*address):
            await instances.pass_on(_short(stanza, values), *address)
            return
        node = await node_at(self._service, address)
        await node.lock.run(self._decide, node, stanza.sender, values, allowed)

    def _address(self, values: Values) -> Address:
        try:
            named = values.get(SERVICE, "")
            service = JID.parse(named).bare if named else self._service.component.domain
        except JIDError:
            raise no_node() from None
        return Address(service, values.get(NODE, ""))

    async def _decide(self, node: Node, sender: JID, values: Values, allowed: bool) -> None:
        check_owner(self._service, node, sender)
        jid = values.get(SUBSCRIBER, None)
        subid = values.get(SUBID, "")
        found = node.of_jid(jid) if jid is not None else []
        same = [each for each in found if subid in ("", each.subid)]
        if not same:
            text = "nobody asks for that any more"
            raise refusal(
                "unexpected-request", "not-subscribed", text, reason="pubsub.not-subscribed"
            )
        for each in same:
            # Another owner may have been faster: the first one decides.
            if each.state is State.PENDING:
                await self._service.approvals.decide(node, each, allowed=allowed)


def _short(stanza: Stanza, values: Values) -> Stanza:
    """A form with nothing besides what is read of it: the rest may be as large as a stanza."""
    inner = REQUEST.submit(values).render()
    return Stanza(stanza.kind, stanza.attrs, [FORM], inner, stanza.content)
