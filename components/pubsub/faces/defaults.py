"""How nodes are set up where nobody says otherwise (XEP-0060 §8.3, XEP-0248 §7.3)."""

from __future__ import annotations

from components.common.build import Tag
from components.pubsub.faces.node_form import NodeForm
from components.pubsub.life.nodes import defaults
from components.pubsub.names import PUBSUB_OWNER
from components.pubsub.requests import Request
from components.pubsub.service import Service
from xmppd.errors import StanzaError


def serve(service: Service) -> None:
    """Answer requests for the default configuration."""
    forms = NodeForm(service.policy)

    def default(request: Request) -> Tag:
        type_ = request.action.get("type", "leaf")
        if type_ not in ("leaf", "collection"):
            raise StanzaError("bad-request", "no such type of nodes", reason="pubsub.node-type")
        settings = defaults(request.address).change(node_type=type_)
        return Tag("pubsub", {}, [Tag("default", {}, [forms.form(settings)])], ns=PUBSUB_OWNER)

    service.requests.on("get", "owner default", default)
