"""What was refused lately and why: what the metrics count and `xmppctl why` shows."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from operator import itemgetter
from typing import NamedTuple

from xmppd.wire.tunnel_refusals import Told

KEPT = 1_000
"""How many refusals are remembered one by one; all are counted."""


class Refusal(NamedTuple):
    """One refusal: when (seconds since 1970), its reason code, who did what, from where.

    `target` is an address; `detail` is what the reason code alone does not tell: the name of a
    payload, the words of a library. What a gateway has told of has `meaning` and `remedy` with it,
    since its codes are its own, and stands for all its `times`, of which the first was `since`.
    """

    when: float
    reason: str
    who: str
    target: str
    address: str
    detail: str = ""
    meaning: str = ""
    remedy: str = ""
    times: int = 1
    since: float = 0.0


class Refusals:
    """A bounded record of refusals. Holds addresses, names and reasons, never content."""

    __slots__ = ("_now", "_told", "counts", "recent")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.counts: Counter[str] = Counter()
        self.recent: deque[Refusal] = deque(maxlen=KEPT)
        self._told: OrderedDict[tuple[str, str, str], Refusal] = OrderedDict()
        """What gateways have told of, by them, the client's address, and the reason: none of that
        displaces what the server has refused itself."""

    def note(
        self, reason: str, who: str = "", target: str = "", address: str = "", detail: str = ""
    ) -> None:
        """Remember that `who` (at network `address`) was refused for `reason`."""
        self.counts[reason] += 1
        now = self._now()
        self.recent.append(Refusal(now, reason, who[:300], target[:300], address, detail[:300]))

    def tell(self, gateway: str, told: Told) -> None:
        """Remember what a gateway has refused. It counts that itself."""
        now, key = self._now(), (gateway, told.address, told.reason)
        before = self._told.pop(key, None)
        since, times = (now, 0) if before is None else (before.since, before.times)
        self._told[key] = Refusal(
            now,
            told.reason,
            "",
            gateway,
            told.address,
            meaning=told.meaning,
            remedy=told.remedy,
            times=times + told.times,
            since=since,
        )
        if len(self._told) > KEPT:
            self._told.popitem(last=False)

    def about(self, subject: str) -> list[Refusal]:
        """The remembered refusals that concern a JID, a domain or a network address.

        A domain that is not served here stands in the detail.
        """

        def concerns(text: str) -> bool:
            bare = text.partition("/")[0]
            return subject in (text, bare, bare.rpartition("@")[2])

        return [
            r
            for r in sorted((*self.recent, *self._told.values()), key=itemgetter(0))
            if concerns(r.who) or concerns(r.target) or subject in (r.address, r.detail)
        ]
