"""What the gateway has refused: counted, and told to the server (docs/session-tunnel.md).

There an operator asks why somebody can't connect. What one address was refused for one reason is
told once in a while, with how often that was; what is too much to be told is counted all the same.
"""

from __future__ import annotations

from typing import Final

from twisted.internet.interfaces import IDelayedCall

from components.bosh.reasons import REASONS
from components.common.build import Tag
from components.common.component import Component
from xmppd import ns

SECONDS: Final = 5.0
"""Between two times that the server is told,"""
MOST: Final = 100
"""and how many refusals at a time: of these, an address and a reason are one."""


class Refusals:
    """Takes note of what was refused (`http.refusing.Refused`)."""

    def __init__(self, component: Component) -> None:
        self._component = component
        self._counts = component.counts
        self._untold: dict[tuple[str, str], int] = {}
        self._timer: IDelayedCall | None = None
        self._next = 0.0
        """When the server may be told again."""

    def __call__(self, reason: str, address: str) -> None:
        """A client at an address, "" where nobody knows it, was refused for a reason."""
        self._counts[reason] += 1
        refused, untold = (reason, address), self._untold
        if refused in untold:
            untold[refused] += 1
        elif address and len(untold) < MOST:
            untold[refused] = 1
            if self._timer is None:
                clock = self._component.clock
                wait = max(0.0, self._next - clock.seconds())
                self._timer = clock.callLater(wait, self._tell)

    def close(self) -> None:
        """Tell nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell(self) -> None:
        """Tell the server; later, where it is not there or has enough to do."""
        component, clock = self._component, self._component.clock
        if not component.connected or component.behind:
            self._timer = clock.callLater(SECONDS, self._tell)
            return
        self._timer = None
        self._next = clock.seconds() + SECONDS
        untold, self._untold = self._untold, {}
        told = [_refused(reason, address, times) for (reason, address), times in untold.items()]
        component.message(component.servers[0], Tag("refusals", {}, told, ns=ns.TUNNEL))


def _refused(reason: str, address: str, times: int) -> Tag:
    meaning, remedy = REASONS[reason]
    attrs = {"reason": reason, "address": address, "times": str(times)}
    return Tag("refused", {**attrs, "meaning": meaning, "remedy": remedy})
