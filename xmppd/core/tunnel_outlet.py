"""What is written to a tunneled client: joined in one message a turn, and not without bound.

Only the gateway sees what its client takes. So it is asked, behind every so many octets, to say
when the client has come so far; what the client has not taken by then counts as on TCP.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall

from xmppd.core.host import Host

ASK_OCTETS = 32_768
"""How much is written between two questions."""

JOINED_OCTETS = 65_536
"""How much is joined before it is sent without waiting for the end of the turn."""


class Outlet:
    """The writing half of a `TunnelWire`.

    `tell` sends the gateway some content, with the number of a question behind it or 0; `cut_off`
    ends the connection for a reason of `xmppd.reasons`.
    """

    __slots__ = (
        "_asked",
        "_closed",
        "_cut_off",
        "_cutting",
        "_host",
        "_joined",
        "_out",
        "_questions",
        "_sent",
        "_stall",
        "_taken",
        "_tell",
        "_unasked",
    )

    def __init__(
        self, host: Host, tell: Callable[[bytes, int], None], cut_off: Callable[[str], None]
    ) -> None:
        self._host = host
        self._tell = tell
        self._cut_off = cut_off
        self._out: list[bytes] = []
        self._joined = self._sent = self._taken = self._unasked = 0
        self._asked = 0
        self._questions: deque[tuple[int, int]] = deque()
        """The number of each that has no answer, and what had been sent when it was asked."""
        self._stall: IDelayedCall | None = None
        self._closed = self._cutting = False

    def put(self, *pieces: bytes) -> None:
        """Send the pieces of an element when the turn ends, or before when they are many."""
        if self._closed:
            return
        out = self._out
        if not out:
            self._host.turn.add(self)
        out += pieces
        self._joined += sum(map(len, pieces))
        if self._joined > JOINED_OCTETS:
            self.flush()

    def unsent(self) -> int:
        """How many octets the client has not taken, as far as it was asked."""
        return self._sent - self._taken + self._joined

    def flush(self) -> None:
        """Send what was put; a client that reads too slowly is cut off, not waited for."""
        if not self._out or self._cutting:
            return
        if self._questions and self.unsent() > self._host.config.limits.write_buffer_bytes:
            # In a turn of its own: whoever writes may be in the middle of all sessions of an
            # account.
            self._cutting = True
            self._host.clock.callLater(0, self._cut_off, "limit.slow-reader")
            return
        content = b"".join(self._out)
        self.discard()
        self._sent += len(content)
        self._unasked += len(content)
        self._tell(content, self._question())

    def discard(self) -> None:
        """Send nothing of what was put."""
        self._out.clear()
        self._joined = 0

    def close(self) -> None:
        """Send what was put, and take nothing more."""
        self._closed = True
        self.flush()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    # ------------------------------------------------------------------ questions

    def _question(self) -> int:
        """The number of a question to ask now; 0 for none."""
        if self._unasked < ASK_OCTETS or self._closed:
            return 0
        self._unasked = 0
        self._asked += 1
        self._questions.append((self._asked, self._sent))
        if self._stall is None:
            self._expect_answer()
        return self._asked

    def answered(self, number: int) -> None:
        """The client has taken all that had been sent when a question was asked."""
        questions = self._questions
        while questions and questions[0][0] <= number:
            self._taken = questions.popleft()[1]

    def _expect_answer(self) -> None:
        """See to it that the first question is answered within half of `dead_seconds`.

        The timer goes on when it is: a question is answered a hundred times a second, perhaps.
        """
        seconds = self._host.config.limits.dead_seconds / 2
        first = self._questions[0][0]
        self._stall = self._host.clock.callLater(seconds, self._look_for_answer, first)

    def _look_for_answer(self, first: int) -> None:
        self._stall = None
        if self._questions:
            if self._questions[0][0] == first:
                self._cut_off("limit.stalled")
            else:
                self._expect_answer()
