"""The address header of a stanza (XEP-0033 §4): read, and written for those it names.

Whatever else the stanza holds, and what is unknown inside the header, keeps its bytes.
"""

from __future__ import annotations

import pyexpat
import re
from collections.abc import Callable
from typing import NamedTuple

from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError
from xmppd.wire import blind, escape
from xmppd.wire.recipients import Recipients
from xmppd.wire.stanza import Stanza

NAME = f"{ns.ADDRESS} addresses"
"""The header's name among a stanza's children."""

DELIVERABLE = frozenset({"to", "cc", "bcc"})
"""The types of an address that a stanza is sent to (§4.6)."""

_TYPES = DELIVERABLE | {"replyto", "replyroom", "noreply", "ofrom"}
_ADDRESS = f"{ns.ADDRESS} address"
_TAG_NAME = re.compile(rb"<[^\s/>]+")


class Address(NamedTuple):
    """One `<address/>`: its type, its JID where the stanza is to be sent there, and its bytes."""

    type: str
    to: JID | None
    data: bytes


class AddressHeader(NamedTuple):
    """A stanza's content, taken apart: what stands before the addresses and behind them.

    `outside` is what stands before the header itself and behind it, `inside` its two tags.
    """

    outside: tuple[bytes, bytes]
    inside: tuple[bytes, bytes]
    addresses: list[Address]

    @property
    def open(self) -> bool:
        """Whether all recipients see something in it."""
        return any(each.type != "bcc" for each in self.addresses)

    def content(self, own: Address | None = None) -> bytes:
        """The stanza's content for recipients (§6).

        Addresses that it is sent to are marked as delivered, and those of blind copies are left
        out but for the recipient's `own` (§4.6.3), and with them the text between the addresses:
        blank lines would tell how many there were. A header with nothing in it is left out.
        """
        shown = [_delivered(each) for each in self.addresses if each.type != "bcc" or each is own]
        header = (self.inside[0], *shown, self.inside[1]) if shown else ()
        return b"".join((self.outside[0], *header, self.outside[1]))


def read(stanza: Stanza, most: int) -> AddressHeader:
    """Take the content of a stanza, which has an address header, apart.

    Raises StanzaError: `not-acceptable` for more than `most` addresses, `jid-malformed` for what
    nothing can be sent to (§9), `bad-request` for what is no address (§4).
    """
    reading = _Reading(stanza.inner, stanza.content)
    starts = reading.headers
    if len(starts) != 1:
        raise _malformed("one address header")
    start, behind_start, end, behind = starts[0]
    inner, found = stanza.inner, reading.elements
    _check_number(len(found), most)
    addresses = [_address(name, attrs, inner[a:b]) for name, attrs, a, b in found]
    return AddressHeader(
        (inner[:start], inner[behind:]), (inner[start:behind_start], inner[end:behind]), addresses
    )


class Blind(NamedTuple):
    """A stanza's content without the blind copies of its header, and whom it is for."""

    content: bytes
    to: Recipients


def read_blind(stanza: Stanza, most: int) -> Blind | None:
    """The content of a stanza for blind copies alone, if that is plain to see.

    It takes a tenth of what it takes to read any header. Raises StanzaError as `read` does.
    """
    inner, header = stanza.inner, stanza.blind
    start = 0 if header is not None else inner.rfind(b"<addresses ")
    if header is None and start >= 0:
        header = blind.read(inner, start)
    if header is None or (start and start + len(header.data) != len(inner)):
        return None
    before, behind = inner[:start], inner[start + len(header.data) :]
    if b"addresses" in before or b"addresses" in behind:  # there may be another one
        return None
    _check_number(header.number, most)
    try:
        return Blind(before + header.shown + behind, header.recipients)
    except JIDError as error:
        raise StanzaError("jid-malformed", str(error), reason="multicast.malformed") from None


def without_replies(stanza: Stanza, hidden: Callable[[str], bool]) -> Stanza:
    """A stanza that names no `hidden` address as the one that replies go to (§4.6.4)."""
    inner = stanza.inner
    reading = _Reading(inner, stanza.content)
    cut = [
        (start, behind)
        for name, attrs, start, behind in reading.elements
        if name == _ADDRESS and attrs.get("type") == "replyto" and hidden(attrs.get("jid", ""))
    ]
    if not cut:
        return stanza
    if len(cut) == len(reading.elements):  # nor is there a header with nothing in it
        cut = [(start, behind) for start, _, _, behind in reading.headers]
    starts, ends = [start for start, _ in cut], [0, *(behind for _, behind in cut)]
    kept = [inner[end:start] for end, start in zip(ends, [*starts, len(inner)], strict=True)]
    return stanza.with_inner(b"".join(kept))


def _check_number(addresses: int, most: int) -> None:
    if addresses > most:
        text = f"at most {most} addresses"
        raise StanzaError("not-acceptable", text, reason="limit.addresses")


class _Reading:
    """Finds the headers in a stanza's content, and the elements in them, by their places.

    A header is told by where its start tag begins and ends, and its end tag.
    """

    def __init__(self, inner: bytes, content: str) -> None:
        self.headers: list[tuple[int, int, int, int]] = []
        self.elements: list[tuple[str, dict[str, str], int, int]] = []
        self._depth = 0
        self._start: int | None = None
        self._behind_start: int | None = None
        self._element: tuple[str, dict[str, str], int] = ("", {}, 0)
        self._began = False
        """Whether nothing has come since a start tag."""
        before = b"<x xmlns='%b'>" % escape.attribute(content).encode()
        self._data = before + inner + b"</x>"
        self._offset = len(before)
        self._parser = parser = pyexpat.ParserCreate("UTF-8", " ", {})
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = self._on_end
        parser.CharacterDataHandler = self._on_data
        parser.Parse(self._data, True)
        parser.StartElementHandler = parser.EndElementHandler = None  # they hold each other
        parser.CharacterDataHandler = None

    def _at(self) -> int:
        """Where the parser is, in the content."""
        at: int = self._parser.CurrentByteIndex
        return at - self._offset

    def _on_start(self, name: str, attrs: dict[str, str]) -> None:
        self._on_data("")
        if self._depth == 1 and name == NAME:
            self._start, self._behind_start = self._at(), None
        elif self._depth == 2:
            self._element = (name, attrs, self._at())
        self._depth += 1
        self._began = True

    def _on_data(self, data: str) -> None:
        self._began = False
        if self._start is not None and self._behind_start is None:
            self._behind_start = self._at()

    def _on_end(self, name: str) -> None:
        self._depth -= 1
        at = behind = self._at()
        start = at + self._offset
        if not self._began or self._data[start - 2 : start] != b"/>":  # it has an end tag
            behind = self._data.index(b">", start) + 1 - self._offset
        self._on_data("")
        if self._start is None:
            return
        if self._depth == 2:
            self.elements.append((*self._element, behind))
        elif self._depth == 1:
            assert self._behind_start is not None
            self.headers.append((self._start, self._behind_start, at, behind))
            self._start = None


def _address(name: str, attrs: dict[str, str], data: bytes) -> Address:
    if name != _ADDRESS:  # what is not understood is passed on (§4.7)
        return Address("", None, data)
    type_ = attrs.get("type", "")
    if type_ not in _TYPES:
        raise _malformed(f"an address is of type {', '.join(sorted(_TYPES))}")
    delivered = attrs.get("delivered")
    if delivered not in (None, "true"):
        raise _malformed("an address is delivered='true', or not delivered")
    if "uri" in attrs and ("jid" in attrs or "node" in attrs):
        raise _malformed("an address has a jid or a uri")
    if "uri" in attrs and type_ in DELIVERABLE:
        raise StanzaError("jid-malformed", "no URI is served", reason="multicast.uri")
    if "jid" not in attrs and "uri" not in attrs and type_ != "noreply":
        raise _malformed("an address has a jid or a uri")
    if type_ not in DELIVERABLE or delivered:
        return Address(type_, None, data)
    try:
        return Address(type_, JID.parse(attrs["jid"]), data)
    except JIDError as error:
        raise StanzaError("jid-malformed", str(error), reason="multicast.malformed") from None


def _delivered(address: Address) -> bytes:
    """The address as it is sent: marked where the stanza goes there and others may know (§4.5)."""
    if address.to is None or address.type == "bcc":
        return address.data
    return _TAG_NAME.sub(lambda tag: tag[0] + b" delivered='true'", address.data, count=1)


def _malformed(text: str) -> StanzaError:
    return StanzaError("bad-request", text, reason="multicast.malformed")
