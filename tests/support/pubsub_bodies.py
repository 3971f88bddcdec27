"""Bodies beside payloads (XEP-0060 §13.8): entries of Atom, and what makes bodies of others."""

from __future__ import annotations

from tests.support.people import C
from tests.support.pubsub import Person, form

ATOM = "http://www.w3.org/2005/Atom"
XSL = "http://www.w3.org/1999/XSL/Transform"

BODY_XSLT = "http://example.org/body.xslt"
"""What the operator of the server that is shared calls a transformation."""


def stylesheet(template: str, more: str = "", method: str = "text") -> bytes:
    """A stylesheet with a template for the document, and `more` beside it."""
    return (
        f"<xsl:stylesheet version='1.0' xmlns:xsl='{XSL}'><xsl:output method='{method}'/>"
        f"<xsl:template match='/'>{template}</xsl:template>{more}</xsl:stylesheet>"
    ).encode()


def entry(title: str = "Soliloquy", more: str = "") -> str:
    """An entry of Atom."""
    return f"<entry xmlns='{ATOM}'><title>{title}</title>{more}</entry>"


def wanting(person: Person, node: str, to: str = "", jid: str = "", **options: str) -> None:
    """Subscribe somebody who wants bodies, and has other `options`, too."""
    who = jid or person.jid.bare
    chosen = form("subscribe_options", **{"include_body": "1", **options})
    inner = f"<subscribe node='{node}' jid='{who}'/><options>{chosen}</options>"
    answer = person.pubsub(inner, **({"to": to} if to else {}))
    assert answer.get("type") == "result", [each.tag for each in answer.iter()]


def bodies(person: Person) -> list[str | None]:
    """Of each event that came since the last look the body beside it, None where there is none."""
    person.events()
    return [each.findtext(f"{C}body") for each in person.messages]
