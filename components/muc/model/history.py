"""The discussion history that newcomers get (XEP-0045 §7.2.13, §7.2.14)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from components.muc.names import OCCUPANT_ID
from xmppd import ns
from xmppd.jid import JID

MICROSECONDS = 1_000_000

OCTETS = 1_048_576
"""What the messages of one room may take in memory: of long ones there are fewer."""


class Said(NamedTuple):
    """A message of the past.

    `number` is when it came, in microseconds UTC since 1970, and its place: no two of a room have
    the same. `id` is its stanza id (XEP-0359), `origin` the id that its sender gave it, `lang` its
    language, "" for none; `nick` is who has said it, "" for the room itself, `session` by which
    full JID, `occupant` his occupant id (XEP-0421); `inner` its content without any of these.
    """

    number: int
    id: str
    origin: str
    lang: str
    nick: str
    session: JID
    occupant: str
    inner: bytes

    @property
    def author(self) -> JID:
        """Whose it is, by bare JID."""
        return self.session.bare

    @property
    def size(self) -> int:
        """How many octets it takes, about."""
        written = len(self.inner) + len(self.origin) + len(self.lang) + len(self.session)
        return 500 + written


class Wanted(NamedTuple):
    """How much of the history somebody wants; None where he has not said (§7.2.14)."""

    characters: int | None = None
    stanzas: int | None = None
    since: float | None = None
    """Seconds UTC since 1970."""


EVERYTHING = Wanted()


class History:
    """The latest messages of a room, `most` at most, and `OCTETS`."""

    def __init__(self, most: int, said: Iterable[Said] = ()) -> None:
        self._most = most
        self._said: deque[Said] = deque()
        self._octets = 0
        self._written: dict[int, bytes] = {}
        for each in said:
            self.add(each)

    def __len__(self) -> int:
        return len(self._said)

    def add(self, said: Said) -> None:
        """A message was sent to everybody."""
        self._said.append(said)
        self._written.clear()
        self._octets += said.size
        self._fit()

    def written(self, said: Said, write: Callable[[Said], bytes]) -> bytes:
        """What `write` makes of one of them, which is made once while many come in."""
        written = self._written.get(said.number)
        if written is None:
            written = self._written[said.number] = write(said)
        return written

    def get(self, id_: str) -> Said | None:
        """The message of this stanza id."""
        return next((said for said in self._said if said.id == id_), None)

    def resize(self, most: int) -> None:
        """Keep no more than so many."""
        self._most = most
        self._written.clear()
        self._fit()

    def _fit(self) -> None:
        while len(self._said) > self._most or self._octets > OCTETS:
            self._octets -= self._said.popleft().size

    def replace(self, id_: str, inner: bytes) -> None:
        """Have other content in place of a message's, as when it is retracted."""
        for index, said in enumerate(self._said):
            if said.id == id_:
                self._said[index] = new = said._replace(inner=inner)
                self._octets += new.size - said.size
                self._written.clear()

    def clear(self) -> None:
        """Forget all."""
        self._said.clear()
        self._octets = 0
        self._written.clear()

    def wanted(self, wanted: Wanted, most: int) -> list[Said]:
        """The newest messages that meet all criteria, oldest first (§7.2.14), but for their size.

        How many characters a message has depends on how it is sent; `fitting` counts.
        """
        limit = most if wanted.stanzas is None else min(most, wanted.stanzas)
        if limit <= 0:
            return []
        chosen: list[Said] = []
        earliest = 0 if wanted.since is None else int(wanted.since * MICROSECONDS)
        for said in reversed(self._said):
            if len(chosen) == limit or said.number < earliest:
                break
            chosen.append(said)
        chosen.reverse()
        return chosen


def fitting(stanzas: list[bytes], characters: int | None) -> list[bytes]:
    """The newest of complete stanzas that have no more characters together (§7.2.14)."""
    if characters is None:
        return stanzas
    chosen: list[bytes] = []
    for stanza in reversed(stanzas):
        characters -= len(stanza.decode())
        if characters < 0:
            break
        chosen.append(stanza)
    chosen.reverse()
    return chosen


def identified(inner: bytes, room: JID, id_: str, occupant: str) -> bytes:
    """The content of a message as everybody gets it: with its ids (XEP-0359 §3, XEP-0421 §4).

    "" for what it has not: a message that is not kept has no id of the room's, and one of the
    room's own is nobody's.
    """
    said = b"<occupant-id xmlns='%b' id='%b'/>" % (_OCCUPANT_ID, occupant.encode())
    if not occupant:
        said = b""
    if not id_:
        return inner + said
    return b"%b<stanza-id xmlns='%b' by='%b' id='%b'/>%b" % (
        inner,
        _STANZA_ID,
        room.attr,
        id_.encode(),
        said,
    )


_STANZA_ID = ns.STANZA_ID.encode()
_OCCUPANT_ID = OCCUPANT_ID.encode()
