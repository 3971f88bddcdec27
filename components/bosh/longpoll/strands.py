"""The streams of one session (XEP-0124 §16)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from components.bosh.longpoll.names import LANG, VERSION
from components.bosh.longpoll.refusal import Refused
from components.bosh.longpoll.strand import Strand

MOST_FORMER: Final = 8
"""How many streams that are over are remembered (§16.4)."""


class Strands:
    """Those that are open, by their names, and what those were called that are not."""

    __slots__ = ("_former", "_open")

    def __init__(self) -> None:
        self._open: dict[str, Strand] = {}
        self._former: list[str] | None = None

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Strand]:
        return iter(self._open.values())

    @property
    def wait(self) -> bool:
        """Whether the client is to say nothing in one of them for now."""
        return any(strand.waits for strand in self._open.values())

    @property
    def octets(self) -> int:
        """How much of what the client has said waits."""
        return sum([strand.unsaid_octets for strand in self._open.values()])

    def add(self, strand: Strand) -> None:
        """One more."""
        self._open[strand.name] = strand

    def remove(self, strand: Strand) -> None:
        """One is over."""
        if self._open.pop(strand.name, None) is not None:
            former = self._former = self._former or []
            former.append(strand.name)
            del former[:-MOST_FORMER]

    def meant(self, name: str | None) -> list[Strand]:
        """Those that are meant by a `stream`: all where there is none (§16.4).

        Raises `Refused` for one that never was.
        """
        if name is None:
            return list(self._open.values())
        if name in self._open:
            return [self._open[name]]
        if self._former and name in self._former:
            return []
        raise Refused("item-not-found", "bosh.unknown-stream")

    def close(self) -> None:
        """The client closes all."""
        strands, self._open = self._open, {}
        for strand in strands.values():
            strand.close()

    def lose(self) -> None:
        """The client is gone."""
        strands, self._open = self._open, {}
        for strand in strands.values():
            strand.lose()


def header(attrs: Mapping[str, str]) -> dict[str, str]:
    """What a request gives of a stream's header (XEP-0206 §3)."""
    names = (("to", "to"), ("from", "from"), ("version", VERSION), ("xml:lang", LANG))
    return {name: attrs[spelled] for name, spelled in names if spelled in attrs}
