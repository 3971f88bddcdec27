"""The one place that makes bytes of errors."""

from __future__ import annotations

from xmppd import ns
from xmppd.errors import SASLFailure, StanzaError, StreamError
from xmppd.wire.build import Raw, Tag, render
from xmppd.wire.stanza import Stanza


def stream_error(error: StreamError) -> bytes:
    """`<stream:error/>` (RFC 6120 §4.9.2)."""
    return Tag("stream:error", {}, [Raw(stream_error_content(error))]).render()


def stream_error_content(error: StreamError) -> bytes:
    """What stands in it, for whoever spells the element itself in another way."""
    condition = Tag(error.condition, ns=ns.STREAM_ERRORS)
    return render([condition, *_text(error.text, ns.STREAM_ERRORS), Raw(error.extra)])


def sasl_failure(failure: SASLFailure) -> bytes:
    """`<failure/>` (RFC 6120 §6.5)."""
    return Tag(
        "failure", {}, [Tag(failure.condition), *_text(failure.text, None)], ns=ns.SASL
    ).render()


def answerable(stanza: Stanza) -> bool:
    """True when `stanza` may be answered with an error.

    Errors are never answered by errors, results by nothing (RFC 6120 §8.3.1, §8.2.3); an IQ of
    no valid type is answered like a request (§8.2.3, rule 2).
    """
    return stanza.type != "error" and (stanza.kind, stanza.type) != ("iq", "result")


def stanza_error(stanza: Stanza, error: StanzaError) -> Stanza:
    """The error that answers `stanza` (RFC 6120 §8.3), from where it was sent to its sender."""
    children: list[Tag | Raw] = [
        Tag(error.condition, {}, error.payload, ns=ns.STANZA_ERRORS),
        *_text(error.text, ns.STANZA_ERRORS),
        Raw(error.extra),
    ]
    content = Tag("error", {"type": error.type, "code": str(error.code)}, children).render()
    attrs = {"type": "error"}
    if "id" in stanza.attrs:
        attrs["id"] = stanza.id
    answer = Stanza(stanza.kind, attrs, [f"{ns.CLIENT} error"], content)
    answer.sender, answer.to = stanza.to, stanza.sender
    return answer


def _text(text: str, namespace: str | None) -> list[Tag]:
    return [Tag("text", {"xml:lang": "en"}, text, ns=namespace)] if text else []
