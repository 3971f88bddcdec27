"""Stanzas inside others (XEP-0297), wrapped and unwrapped as bytes.

A forwarded stanza spells its content namespace, so what is below it means the same wherever it
stands (§4).
"""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.etree.ElementTree import Element

from xmppd import ns
from xmppd.wire import canonical, stored
from xmppd.wire.stanza import Stanza

_HEAD = f"<forwarded xmlns='{ns.FORWARD}'>".encode()
_TAIL = b"</forwarded>"
_FORWARDED = f"{{{ns.FORWARD}}}forwarded"

_KINDS = {f"{{{ns.CLIENT}}}{kind}": kind for kind in ("message", "presence", "iq")}

_QUOTED = rb"(?:'[^'<&]*'|\"[^\"<&]*\")"
_PLAIN = re.compile(
    rb"<(?P<wrapper>[a-z_]+) xmlns=['\"](?P<ns>[^'\"<&]*)['\"]>"
    rb"(?P<forwarded><forwarded xmlns=['\"]%b['\"]>)?"
    rb"<(?P<kind>iq|message|presence)(?P<attrs>(?: [a-z:]+=%b)*)"
    rb"(?:/>|>(?P<inner>.*)</(?P=kind)>)(?(forwarded)</forwarded>)</(?P=wrapper)>\s*"
    % (re.escape(ns.FORWARD).encode(), _QUOTED),
    re.DOTALL,
)
"""What nearly everybody writes. In a well-formed text that holds no other end tag of the forwarded
stanza's kind, what stands between its tags is its content."""
_ATTR = {quote: re.compile(f" ([a-z:]+)={quote}([^{quote}]*){quote}") for quote in "'\""}


class Forwarded(NamedTuple):
    """A stanza as somebody forwards it: its addresses are text that nobody has looked at."""

    kind: str
    attrs: dict[str, str]
    inner: bytes


def forward(stanza: Stanza) -> bytes:
    """`<forwarded/>` with a stanza, its addresses included, in the namespace of clients."""
    kind = stanza.kind.encode()
    written = stored.dump(stanza)
    spelled = b"<%b xmlns='%b'" % (kind, ns.CLIENT.encode())
    return b"%b%b%b%b" % (_HEAD, spelled, written[len(kind) + 1 :], _TAIL)


def read(stanza: Stanza, wrapper: str, *, bare: bool = False) -> Forwarded:
    """The stanza that a stanza's child, named ``"namespace local"``, forwards.

    Hints or ids may stand beside that child. `bare` says that the stanza is to stand there as it
    is, without `<forwarded/>`. Raises ValueError where that is not what the stanza holds.
    """
    plain = _PLAIN.fullmatch(stanza.inner)
    if plain is not None and (plain["forwarded"] is None) is bare:
        found = _read_plain(plain, wrapper)
        if found is not None:
            return found
    return _read_tree(stanza, wrapper, bare)


def _read_plain(plain: re.Match[bytes], wrapper: str) -> Forwarded | None:
    kind, inner = plain["kind"], plain["inner"] or b""
    if b"%b %b" % plain.group("ns", "wrapper") != wrapper.encode():
        return None
    if b"</" + kind in inner:  # it may hold another, or be two
        return None
    written = plain["attrs"].decode()
    single = "'" in written
    if single and '"' in written:  # in whose values the other kind may be
        return None
    attrs = dict(_ATTR["'" if single else '"'].findall(written))
    if attrs.pop("xmlns", "") != ns.CLIENT or (":" in written and any(":" in n for n in attrs)):
        return None
    return Forwarded(kind.decode(), attrs, inner)


def _read_tree(stanza: Stanza, wrapper: str, bare: bool) -> Forwarded:
    namespace, _, local = wrapper.rpartition(" ")
    wrappers = stanza.element.findall(f"{{{namespace}}}{local}")
    if len(wrappers) != 1:
        raise ValueError(f"one {local} is expected")
    (outer,) = wrappers
    found = _only(outer if bare else _only(outer, _FORWARDED), *_KINDS)
    inner = b"".join(canonical.written(child) for child in found)
    attrs = {name.removeprefix("{").replace("}", " "): text for name, text in found.attrib.items()}
    return Forwarded(_KINDS[found.tag], attrs, inner)


def _only(parent: Element, *tags: str) -> Element:
    """The one child, but for a delay beside it (XEP-0297 §4), which has one of these tags."""
    children = [child for child in parent if child.tag != f"{{{ns.DELAY}}}delay"]
    if len(children) != 1 or children[0].tag not in tags:
        raise ValueError(f"one {' or '.join(tags)} is expected")
    return children[0]
