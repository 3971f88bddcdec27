"""What streams have in common whose frames their driver takes itself once they flow.

Those of components and of other servers: nothing is asked there that would take time to answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from xmppd.errors import StreamError
from xmppd.stream.events import Passed
from xmppd.stream.states import Input, State, step
from xmppd.wire import faults
from xmppd.wire.framer import Framer
from xmppd.wire.frames import Frame


class FramedStream:
    """One such stream from its first byte to its last.

    Feed it with `receive`, which yields events; whoever drives it acts on each before the next.
    `flowing` says that frames may be cut without asking here.
    """

    __slots__ = ("flowing", "framer", "state")

    transitions: Mapping[tuple[State, Input], State]

    def __init__(self, framer: Framer) -> None:
        self.framer = framer
        self.state = State.EXPECT_HEADER
        self.flowing = False

    def receive(self, data: bytes) -> Iterator[Any]:
        """Take bytes from the peer."""
        try:
            frames = self.framer.feed(data)
            while True:
                for index, frame in enumerate(frames):
                    if self.flowing:
                        yield Passed(frames[index:])
                        break
                    yield from self._on_frame(frame)
                if not self.framer.unread or self.state is State.CLOSED:
                    return
                frames = self.framer.feed(b"")
        except StreamError as error:
            yield from self.fail(error)

    def on_frame(self, frame: Frame) -> Iterator[Any]:
        """Take a frame that is cut already, and that its driver does not know what to do with.

        One that is too late is dropped.
        """
        try:
            yield from self._on_frame(frame)
        except StreamError as error:
            yield from self.fail(error)

    def fail(self, error: StreamError) -> Iterator[Any]:
        """End the stream with `error` (RFC 6120 §4.9.1), behind our header where none was sent."""
        # The frames of a traceback hold the stream, and the error would be held by them.
        error.__traceback__ = error.__context__ = None
        if self.state is not State.CLOSED:
            yield from self._close(faults.stream_error(error), error)

    def lost(self) -> None:
        """The connection is gone: nothing is sent any more."""
        self._shut()

    def _shut(self) -> None:
        """It is closed: whatever still comes is dropped."""
        self.state = step(self.state, Input.CLOSE, self.transitions)
        self.flowing = False
        self.framer.close()

    def _on_frame(self, frame: Frame) -> Iterator[Any]:
        raise NotImplementedError

    def _close(self, last_words: bytes, error: StreamError | None) -> Iterator[Any]:
        raise NotImplementedError
