"""Stream headers: what a peer's may say, and ours (RFC 6120 §4.7, §4.8)."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from xmppd import ns
from xmppd.errors import StreamError
from xmppd.jid import JID, JIDError
from xmppd.wire import escape
from xmppd.wire.frames import StreamOpen
from xmppd.wire.stanza import XML_LANG

LANGUAGE = "en"
"""The default of the stanzas in our streams (RFC 6120 §4.7.4)."""

_VERSION = re.compile(r"0*([0-9]{1,4})\.0*([0-9]{1,4})")
"""Leading zeros mean nothing (RFC 6120 §4.7.5)."""


class Header(NamedTuple):
    """A peer's stream header, understood."""

    to: str
    """The addressed domain, prepared; "" when the client named none."""
    sender: JID | None
    """The address the client claims, to be checked once it has authenticated."""
    version: tuple[int, int]
    """See the function of the name."""
    lang: str
    """The stream's default language, "" when not given (RFC 6120 §4.7.4)."""


def read(frame: StreamOpen, content: str = ns.CLIENT) -> Header:
    """The header in `frame`, of a stream whose content namespace is to be `content`.

    Raises StreamError with the conditions of RFC 6120 §4.9.3 that concern headers.
    """
    namespace, _, local = frame.name.rpartition(" ")
    if namespace != ns.STREAM:
        raise StreamError("invalid-namespace", reason="stream.header")
    if local != "stream":
        raise StreamError("bad-format", reason="stream.header")
    # With the stream namespace as the default each stanza declares its own (RFC 6120 §4.8.3).
    if content not in frame.prefixes.values() and frame.prefixes.get("") != ns.STREAM:
        raise StreamError("invalid-namespace", reason="stream.header")
    return Header(
        to=_domain(frame.attrs.get("to", "")),
        sender=_sender(frame.attrs.get("from", "")),
        version=version(frame),
        lang=frame.attrs.get(XML_LANG, "")[:35],  # RFC 5646 §4.4.1: no tag need be longer
    )


def version(frame: StreamOpen) -> tuple[int, int]:
    """The version in `frame`; (0, 0) for a client from before XMPP 1.0 (RFC 6120 §4.7.5).

    Read before all else, as even a refusal is written in it. Raises StreamError.
    """
    text = frame.attrs.get("version", "")
    if not text:
        return (0, 0)
    match = _VERSION.fullmatch(text)
    if match is None:
        raise StreamError("unsupported-version", reason="stream.version")
    return (int(match[1]), int(match[2]))


def claimed(frame: StreamOpen) -> JID | None:
    """Whom a refusal of the header in `frame` is for (RFC 6120 §4.9.1.3), where that is known."""
    try:
        return _sender(frame.attrs.get("from", ""))
    except StreamError:
        return None


def check(header: Header, domains: Collection[str], jid: JID | None) -> None:
    """Whether this header may stand on a stream that serves `domains`; raises StreamError.

    `jid` is who has authenticated on it, if anybody: that stays (RFC 6120 §4.9.3.6).
    """
    if jid is not None:
        if header.to not in ("", jid.domain):
            raise StreamError("not-authorized", reason="stream.pinned")
        if header.sender is not None and header.sender.bare != jid.bare:
            raise StreamError("invalid-from", reason="stream.pinned")
        return
    if not header.to and header.version >= (1, 0):
        raise StreamError("improper-addressing", "no `to`", reason="stream.header")
    if header.to and header.to not in domains:
        raise StreamError("host-unknown", reason="stream.host-unknown", detail=header.to)


def check_from(claimed: str | None, jid: JID | None) -> None:
    """Whether the client of `jid` may call itself so: by its own JID, full or bare, or not at all.

    Raises StreamError `invalid-from` (RFC 6120 §8.1.2.1).
    """
    if claimed is None:
        return
    said = _sender(claimed)
    if jid is None or said not in (jid, jid.bare):
        raise StreamError("invalid-from", reason="stream.invalid-from")


def _domain(text: str) -> str:
    if not text:
        return ""
    try:
        jid = JID.parse(text)
    except JIDError:
        raise StreamError("host-unknown", reason="stream.host-unknown", detail=text) from None
    if jid.local or jid.resource:
        raise StreamError("improper-addressing", reason="stream.header")
    return jid.domain


def _sender(text: str) -> JID | None:
    if not text:
        return None
    try:
        return JID.parse(text)
    except JIDError:
        raise StreamError("invalid-from", reason="stream.invalid-from") from None


def write(
    *,
    domain: str,
    stream_id: str,
    version: tuple[int, int],
    to: JID | None,
    lang: str = LANGUAGE,
    content: str = ns.CLIENT,
) -> bytes:
    """The server's response header (RFC 6120 §4.7).

    A peer from before 1.0 gets no `version` (RFC 6120 §4.7.5 rule 3); any later one the
    lower of its own and ours, 1.0.
    """
    attrs = [("from", domain), ("id", stream_id), ("xml:lang", lang)]
    if to is not None:
        attrs.append(("to", to.bare))
    return _written(content, attrs, version)


def write_to_server(
    sender: str, to: str, *, stream_id: str = "", version: tuple[int, int] = (1, 0)
) -> bytes:
    """A header to another server: a response where it has an id (RFC 6120 §4.7).

    It declares the prefix of dialback, as which that is announced (XEP-0220 §2.4.1).
    """
    attrs = [("xmlns:db", ns.DIALBACK), ("from", sender)]
    attrs += [("to", to)] if to else []
    attrs += [("id", stream_id)] if stream_id else []
    return _written(ns.SERVER, [*attrs, ("xml:lang", LANGUAGE)], version)


def _written(content: str, attrs: list[tuple[str, str]], version: tuple[int, int]) -> bytes:
    if version >= (1, 0):
        attrs = [*attrs, ("version", "1.0")]
    shown = "".join(f" {k}='{escape.attribute(v)}'" for k, v in attrs)
    return (
        f"<?xml version='1.0'?><stream:stream xmlns='{content}' xmlns:stream='{ns.STREAM}'{shown}>"
    ).encode()


CLOSE = b"</stream:stream>"
