"""Address headers of blind copies (XEP-0033 §4.6), the last of them remembered.

A component sends much to the same many, whose addresses are most of what it sends. The first may be
one that replies go to, which is for all of them to see. The law of this file:

1. What is spelled so in well-formed content is such a header, and where it stands at the beginning
   of the content, or at its end, it is no other element's child.
2. Only what expat has read within the same limits is remembered. An address in it is a whole
   element: what is well-formed with it is well-formed without it, and the other way round, and so
   it need not be read again.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from itertools import islice
from typing import NamedTuple

from xmppd import ns
from xmppd.jid import JID
from xmppd.wire.recipients import Recipients

MOST_OCTETS = 1_048_576
"""Octets of the headers that are remembered. What is known of their addresses takes ten times as
much."""
MOST_HEADERS = 1_000
"""How many they are at most."""
LOOKED_AT = 16
"""How many of the last headers are looked at for one that has grown by addresses at its end."""

BEGIN = b"<addresses "
"""What a header begins with, and what else does is little."""
_STARTS = tuple(re.escape(f"<addresses xmlns={q}{ns.ADDRESS}{q}>".encode()) for q in "'\"")
_END = b"</addresses>"
_ONE = {
    "'": rb"<address type=['\"]bcc['\"] jid='[^'<&]*'/>",
    '"': rb"<address type=['\"]bcc['\"] jid=\"[^\"<&]*\"/>",
}
_REPLY = rb"<address type=['\"]replyto['\"] jid=(?:'[^'<&]*'|\"[^\"<&]*\")/>"
_HEADER = re.compile(
    rb"(%b|%b)((?:%b)?)(?:(?:%b)+|(?:%b)+)%b" % (*_STARTS, _REPLY, *_ONE.values(), _END)
)
_MORE = {ord(mark): re.compile(rb"(?:%b)+%b" % (one, _END)) for mark, one in _ONE.items()}
_JIDS = {"'": re.compile(r" jid='([^']*)'/>"), '"': re.compile(r' jid="([^"]*)"/>')}
"""By the quotation mark around them: the other one may be part of a resource."""


class BlindHeader:
    """A header as it is written, `number` addresses in it; `shown` is what recipients see of it.

    Nothing of it is decoded before it is asked for: until expat has read it, it may be anything.
    """

    __slots__ = ("_begin", "_recipients", "_shorter", "data", "number", "shown")

    def __init__(
        self, data: bytes, begin: int, shown: bytes = b"", shorter: BlindHeader | None = None
    ) -> None:
        self.data = data
        self.shown = shown
        self.number = data.count(b"<address ")
        self._begin = begin
        """Where the blind copies begin."""
        self._recipients: Recipients | None = None
        self._shorter: tuple[Recipients, int] | None = None
        """Whom the header names that this one begins like, and how much of it that is."""
        if shorter is not None and shorter._recipients is not None:
            self._shorter = shorter._recipients, len(shorter.data) - len(_END)

    @property
    def recipients(self) -> Recipients:
        """Whom it names; raises JIDError."""
        found = self._recipients
        if found is None:
            found = self._recipients = self._read()
            self._shorter = None
        return found

    def _read(self) -> Recipients:
        known, behind = self._shorter or (None, self._begin)
        listed = self.data[behind : -len(_END)].decode()
        jids = map(JID.parse, _JIDS[listed[-3]].findall(listed))
        return Recipients(jids) if known is None else known.grown(jids)

    def grown(self, data: bytes, at: int) -> BlindHeader | None:
        """The header at `at` in `data`, which begins like this one, if it has more addresses."""
        behind = at + len(self.data) - len(_END)
        more = _MORE[self.data[-len(_END) - 3]].match(data, behind)
        if more is None:
            return None
        return BlindHeader(data[at : more.end()], self._begin, self.shown, self)


def read(data: bytes, at: int) -> BlindHeader | None:
    """The header at `at` in `data`, if there is one."""
    found = _HEADER.match(data, at)
    if found is None:
        return None
    start, reply = found.groups()
    shown = start + reply + _END if reply else b""
    return BlindHeader(found[0], len(start) + len(reply), shown)


class Found(NamedTuple):
    """A header in some octets, and which of them expat has read before: `known[0]:known[1]`."""

    header: BlindHeader
    known: tuple[int, int]


class Headers:
    """The last headers, by their octets."""

    __slots__ = ("_octets", "_recent")

    def __init__(self) -> None:
        self._recent: OrderedDict[bytes, BlindHeader] = OrderedDict()
        self._octets = 0

    def find(self, data: bytes, at: int) -> Found | None:
        """The header at `at` in `data`, if there is one; it is not remembered yet."""
        end = data.find(_END, at) + len(_END)
        if end < len(_END):
            return None
        recent = self._recent
        key = data[at:end]
        header = recent.get(key)
        if header is not None:
            recent.move_to_end(key)
            return _found(header, header, at)
        for known in islice(reversed(recent.values()), LOOKED_AT):
            if len(known.data) < len(key) and key.startswith(known.data[: -len(_END)]):
                header = known.grown(data, at)
                return None if header is None else _found(header, known, at)
        header = read(data, at)
        return None if header is None else Found(header, (at, at))

    def keep(self, header: BlindHeader) -> None:
        """Remember a header, now that expat has read it."""
        recent = self._recent
        if header.data in recent or len(header.data) > MOST_OCTETS:
            return
        recent[header.data] = header
        self._octets += len(header.data)
        while self._octets > MOST_OCTETS or len(recent) > MOST_HEADERS:
            oldest, _ = recent.popitem(last=False)
            self._octets -= len(oldest)


def _found(header: BlindHeader, known: BlindHeader, at: int) -> Found:
    """A header of which expat has read the addresses that stand in `known`, too."""
    start = at + known.data.index(b">") + 1
    return Found(header, (start, at + len(known.data) - len(_END)))
