"""The one place that makes bytes of answers, and reads the errors of others (RFC 6120 §8.3)."""

from __future__ import annotations

from typing import TypeAlias
from xml.etree.ElementTree import Element

from components.common import stanza as stanzas
from components.common.build import Content, Tag, render
from components.common.stanza import Stanza
from xmppd import ns
from xmppd.errors import STANZA_CONDITIONS, STREAM_CONDITIONS, StanzaError

Answer: TypeAlias = Tag | bytes | None
"""The payload of a result: an element, XML that is ready, or nothing."""


class Partly(StanzaError):
    """What can't be done of a request of many parts; `beside` is XML that tells which.

    It stands before the error, as what is repeated of a stanza does (RFC 6120 §8.3.1).
    """

    def __init__(self, condition: str, text: str = "", *, reason: str, beside: bytes) -> None:
        super().__init__(condition, text, reason=reason)
        self.beside = beside


def payload(answer: Answer) -> bytes:
    """The payload as bytes."""
    if answer is None:
        return b""
    return answer if isinstance(answer, bytes) else answer.render()


def result(request: Stanza, answer: Answer, namespace: str = "") -> bytes:
    """The result of a request, from where it was sent to its sender; see `stanzas.write`."""
    return _reply(request, "result", payload(answer), namespace)


def answerable(stanza: Stanza) -> bool:
    """Whether a stanza may be answered with an error.

    Errors are never answered by errors, results by nothing (RFC 6120 §8.3.1, §8.2.3).
    """
    return stanza.type != "error" and (stanza.kind, stanza.type) != ("iq", "result")


def error(stanza: Stanza, error: StanzaError, namespace: str = "", *, beside: bytes = b"") -> bytes:
    """The error that answers a stanza; see `stanzas.write`.

    `beside` is what of the stanza it repeats (RFC 6120 §8.3.1).
    """
    if isinstance(error, Partly):
        beside = error.beside
    children: list[Content] = [
        Tag(error.condition, {}, error.payload, ns=ns.STANZA_ERRORS),
        error.extra,
    ]
    if error.text:
        children.insert(1, Tag("text", {"xml:lang": "en"}, error.text, ns=ns.STANZA_ERRORS))
    # RFC 6120 §8.3.2: an address with a resource may be somebody's for whom this one speaks.
    by, slash, _ = stanza.attrs.get("to", "").partition("/")
    attrs = {"type": error.type, "code": str(error.code), "by": by if slash else None}
    return _reply(stanza, "error", render([beside, Tag("error", attrs, children)]), namespace)


def _reply(stanza: Stanza, type_: str, inner: bytes, namespace: str) -> bytes:
    attrs = stanza.attrs
    return stanzas.write(
        stanza.kind,
        attrs.get("to", ""),
        attrs.get("from", ""),
        inner,
        type_=type_,
        id_=attrs.get("id", ""),
        namespace=namespace,
    )


def condition(error: Element, namespace: str) -> tuple[str, str]:
    """The condition and the text of a stream or stanza error; an unknown one is undefined.

    `namespace` is that of its condition. (RFC 6120 §4.9.3.21, §8.3.3.21)
    """
    known = STANZA_CONDITIONS if namespace == ns.STANZA_ERRORS else STREAM_CONDITIONS
    found, text = "undefined-condition", ""
    for child in error:
        space, _, local = child.tag.removeprefix("{").rpartition("}")
        if space == namespace and local == "text":
            text = child.text or ""
        elif space == namespace and local in known:
            found = local
    return found, text


def stanza_condition(stanza: Stanza) -> tuple[str, str]:
    """The condition and the text of a stanza of type "error"."""
    element = stanza.element.find(stanza.named("error"))
    if element is None:
        return "undefined-condition", ""
    return condition(element, ns.STANZA_ERRORS)
