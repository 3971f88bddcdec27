"""Components whose streams are managed (XEP-0198), and what is said to them."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from tests.support.components import ECHO, Component
from tests.support.server import Verona
from xmppd import ns

SM = ns.STREAM_MANAGEMENT


class Managed(Component):
    """One whose stream may be gone on with by what `enabled` says."""

    enabled: Element


def managed(server: Verona, **attrs: str) -> Managed:
    """One that has come, and has its stream managed."""
    component = Managed(server)
    component.log_in(version="1.0")
    shown = "".join(f" {key}='{value}'" for key, value in {"resume": "true", **attrs}.items())
    component.send(f"<enable xmlns='{SM}'{shown}/>")
    component.enabled = component.elements()[0]
    return component


def back(server: Verona, before: Managed, h: int = 0) -> Managed:
    """The component comes back and goes on with its stream."""
    component = Managed(server)
    component.log_in(version="1.0")
    component.send(f"<resume xmlns='{SM}' previd='{before.enabled.get('id')}' h='{h}'/>")
    component.enabled = before.enabled
    return component


def say(*bodies: str, to: str = ECHO, type_: str = "chat") -> str:
    """A message for each body, which is its id as well."""
    return "".join(
        f"<message to='{to}' type='{type_}' id='{body}'><body>{body}</body></message>"
        for body in bodies
    )


def ask(id_: str) -> str:
    """A request."""
    return f"<iq type='get' id='{id_}' to='{ECHO}'><ping xmlns='urn:xmpp:ping'/></iq>"


def told(component: Component) -> list[str | None]:
    """The kinds of what came, a message by its body."""
    found: list[str | None] = []
    for element in component.elements():
        kind = element.tag.rpartition("}")[2]
        found.append(element.findtext(f"{{{ns.COMPONENT}}}body") if kind == "message" else kind)
    return found


def ack(component: Component, h: int | str) -> Component:
    """Have it acknowledge so many."""
    return component.send(f"<a xmlns='{SM}' h='{h}'/>")
