"""What was refused lately and why: what the metrics count and `xmppctl why` shows."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import NamedTuple

KEPT = 1_000
"""How many refusals are remembered one by one; all are counted."""


class Refusal(NamedTuple):
    """One refusal: when (seconds since 1970), its reason code, who did what, from where.

    `target` is an address; `detail` is what the reason code alone does not tell: the name of a
    payload, the words of a library.
    """

    when: float
    reason: str
    who: str
    target: str
    address: str
    detail: str = ""


class Refusals:
    """A bounded record of refusals. Holds addresses, names and reasons, never content."""

    __slots__ = ("_now", "counts", "recent")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.counts: Counter[str] = Counter()
        self.recent: deque[Refusal] = deque(maxlen=KEPT)

    def note(
        self, reason: str, who: str = "", target: str = "", address: str = "", detail: str = ""
    ) -> None:
        """Remember that `who` (at network `address`) was refused for `reason`."""
        self.counts[reason] += 1
        now = self._now()
        self.recent.append(Refusal(now, reason, who[:300], target[:300], address, detail[:300]))

    def about(self, subject: str) -> list[Refusal]:
        """The remembered refusals that concern a JID, a domain or a network address.

        A domain that is not served here stands in the detail.
        """

        def concerns(text: str) -> bool:
            bare = text.partition("/")[0]
            return subject in (text, bare, bare.rpartition("@")[2])

        return [
            r
            for r in self.recent
            if concerns(r.who) or concerns(r.target) or subject in (r.address, r.detail)
        ]
