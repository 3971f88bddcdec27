"""The parsers that streams share: see scanner.py and whole.py for why they can."""

from __future__ import annotations

from typing import NamedTuple

from xmppd.wire.limits import Limits
from xmppd.wire.scanner import RENEW_BYTES, Inside, Scanner, usual
from xmppd.wire.whole import Cutter

MOST_SPARE = 8
"""How many scanners are kept for the next who needs one."""


class Shared(NamedTuple):
    """What streams of one kind read with: those that declare the same and may send the same."""

    inside: Inside
    limits: Limits
    content: str
    cutter: Cutter | None
    """Cuts whole messages; None where the header is not the usual one."""
    spare: list[Scanner]

    def take(self) -> Scanner:
        """A scanner that stands between two frames."""
        return self.spare.pop() if self.spare else Scanner(self.inside, self.limits, self.content)

    def put_back(self, scanner: Scanner) -> None:
        """Leave a scanner, which stands between two frames again, to whoever comes next."""
        if scanner.read <= RENEW_BYTES and len(self.spare) < MOST_SPARE:
            self.spare.append(scanner)
        else:
            scanner.close()


class Parsers:
    """The parsers of all streams: bounded by how many kinds of streams a server has."""

    __slots__ = ("_shared",)

    def __init__(self) -> None:
        self._shared: dict[tuple[Limits, str], Shared] = {}

    def inside(self, stream: Inside, limits: Limits, content: str) -> Shared:
        """What to read with inside `stream`: shared where that has the usual header."""
        if not stream.is_usual(content):
            return Shared(stream, limits, content, None, [])
        shared = self._shared.get((limits, content))
        if shared is None:
            shared = Shared(usual(content), limits, content, Cutter(limits, content), [])
            self._shared[limits, content] = shared
        return shared
