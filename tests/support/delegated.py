"""A component that something is delegated to (XEP-0355), and what passes between the two."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from tests.support.components import table
from tests.support.server import Verona
from xmppd import ns

VCARD = "vcard.capulet.lit"
TEMP = "vcard-temp"


def server_with(*namespaces: str, **filtered: Any) -> Verona:
    """A server that delegates to `VCARD`: namespaces whole, or by attributes."""
    delegation = {**dict.fromkeys(namespaces, ()), **filtered}
    return Verona(components={VCARD: table(delegation=delegation)})


def get(
    to: str = "", id_: str = "v1", payload: str = f"<vCard xmlns='{TEMP}'/>", type_: str = "get"
) -> str:
    """A request of a client's."""
    address = f" to='{to}'" if to else ""
    return f"<iq type='{type_}' id='{id_}'{address}>{payload}</iq>"


def inner(envelope: Element) -> Element:
    """The request in an envelope."""
    (delegation,) = envelope
    assert delegation.tag == f"{{{ns.DELEGATION}}}delegation"
    ((request,),) = delegation
    assert request.tag == f"{{{ns.CLIENT}}}iq"
    return request


def answer(
    envelope: Element, content: str = "", wrap: str | None = None, **attrs: str | None
) -> str:
    """The answer to what came in an envelope, in one; `attrs` in place of the right ones."""
    asked = inner(envelope)
    shown = {
        "xmlns": ns.CLIENT,
        "type": "result",
        "id": asked.get("id"),
        "to": asked.get("from"),
        "from": asked.get("to"),
        **attrs,
    }
    head = "".join(f" {key}='{value}'" for key, value in shown.items() if value is not None)
    if wrap is None:
        wrap = (
            f"<delegation xmlns='{ns.DELEGATION}'><forwarded xmlns='{ns.FORWARD}'>"
            f"<iq{head}>{content}</iq></forwarded></delegation>"
        )
    return (
        f"<iq type='result' id='{envelope.get('id')}' from='{VCARD}' to='capulet.lit'>{wrap}</iq>"
    )
