"""What waits to be said to a client, of all streams of its session, in its order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

ANSWER_OCTETS: Final = 131_072
"""How much stands in one answer; a single element may be larger."""

NONE: Final[Mapping[str, str]] = {}


class Piece(NamedTuple):
    """Something to be said at once: attributes of the `<body/>`, elements inside."""

    stream: str
    """The name of the stream; "" for the session itself."""
    content: bytes
    attrs: Mapping[str, str] = NONE
    last: bool = False
    """Whether nothing may stand behind it in the same answer."""


class Outbox:
    """Pieces, counted: how many were put in, how many said, and who wants to know."""

    __slots__ = ("_pieces", "_questions", "octets", "put_in", "said", "several")

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._questions: list[tuple[int, int, Callable[[int], None]]] = []
        self.put_in = self.said = 0
        self.octets = 0
        """How much waits."""
        self.several = False
        """Whether the session has had several streams: each answer then has one's alone."""

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def put(self, piece: Piece) -> None:
        """Something has to be said."""
        self._pieces.append(piece)
        self.put_in += 1
        self.octets += len(piece.content)

    def take(self, attrs: dict[str, str], *, whole: bool = False) -> bytes:
        """What the next answer has inside; attributes that go with it are put into `attrs`.

        `whole`: however much it is, since it is the last.
        """
        pieces = self._pieces
        first = pieces[0]
        if len(pieces) == 1 and not first.attrs and not self.several:
            pieces.clear()
            self.said += 1
            self.octets = 0
            return first.content
        taken, size = 0, 0
        for piece in pieces:
            apart = self.several and piece.stream != first.stream
            if apart or (size and not whole and size + len(piece.content) > ANSWER_OCTETS):
                break
            taken += 1
            size += len(piece.content)
            attrs.update(piece.attrs)
            if piece.last:
                break
        content = b"".join([piece.content for piece in pieces[:taken]])
        if self.several and first.stream:
            attrs["stream"] = first.stream
        del pieces[:taken]
        self.said += taken
        self.octets -= size
        return content

    def clear(self) -> None:
        """Say nothing of all this."""
        self.said += len(self._pieces)
        self._pieces.clear()
        self._questions.clear()
        self.octets = 0

    # ------------------------------------------------------------------ who wants to know

    def ask(self, number: int, taken: Callable[[int], None], confirmed: int) -> None:
        """Call `taken` with `number` once the client has all that was put in so far.

        `confirmed` is how much it is known to have.
        """
        if confirmed >= self.put_in:
            taken(number)
        else:
            self._questions.append((self.put_in, number, taken))

    def confirm(self, mark: int) -> None:
        """The client has what had been said when `said` was `mark`."""
        questions = self._questions
        while questions and questions[0][0] <= mark:
            _, number, taken = questions.pop(0)
            taken(number)
