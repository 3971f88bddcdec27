"""Owners have requests shown to them again that nobody has decided (XEP-0060 §8.7).

Of the nodes of other instances as well: they wait in the store that all of them have.
"""

from __future__ import annotations

from components.common.commands import Command, Commands
from components.common.forms.fields import list_single
from components.common.forms.form import Form
from components.common.forms.values import Values
from components.common.stanza import Stanza
from components.pubsub.faces.owners import check_owner, node_at
from components.pubsub.faults import forbidden, no_name
from components.pubsub.life.approvals import NODE
from components.pubsub.model.node import Address
from components.pubsub.model.parcels import short
from components.pubsub.model.ranks import State
from components.pubsub.names import GET_PENDING, SUBSCRIBE_AUTHORIZATION
from components.pubsub.service import Service

MOST = 500
"""Nodes that are named at once, as far as a stanza has room for them: the others are when these are
decided."""


def serve(service: Service) -> None:
    """Have the command."""
    commands = Commands(service.component, service.disco, lambda _: True)
    pending = Pending(service)
    read = Form(SUBSCRIBE_AUTHORIZATION, (NODE,))
    commands.add(Command(GET_PENDING, "Who asks to subscribe?", pending.run, read, pending.form))


class Pending:
    """Shows an owner the requests for his nodes."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def form(self, stanza: Stanza) -> Form:
        """The owner's nodes for which there are requests (§8.7.2)."""
        service, owner = self._service, stanza.sender.bare
        names = await service.relations.pending(
            service.component.domain, owner, MOST, all_=service.policy.is_admin(owner)
        )
        if names is None:
            raise forbidden("you own no node here")
        field = list_single(NODE.var, NODE.label, dict.fromkeys(short(names), ""))
        return Form(SUBSCRIBE_AUTHORIZATION, (field,))

    async def run(self, stanza: Stanza, values: Values) -> str:
        """Send the owner one message for each request (§8.7.4)."""
        service, sender = self._service, stanza.sender
        name = values.get(NODE, "")
        if not name:
            raise no_name()
        node = await node_at(service, Address(service.component.domain, name))
        check_owner(service, node, sender)
        found = [each for each in node.subscriptions() if each.state is State.PENDING]
        for each in found[:MOST]:
            service.approvals.ask(node, each, sender)
        return f"{len(found)} requests"
