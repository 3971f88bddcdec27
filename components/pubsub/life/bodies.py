"""Bodies beside what is published, for who wants them (XEP-0060 §13.8, `pubsub#include_body`).

There is a way to make them for entries of Atom, and for whatever a node has a transformation for,
`pubsub#body_xslt`. That is one of those that the operator has put in place: what users name is
never fetched, nor is a program of theirs run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from twisted.logger import Logger

from components.common.rate import Rate
from components.pubsub.model import atom
from components.pubsub.model.body import CHARACTERS, Transform, Untransformed, body
from components.pubsub.model.item import Item
from components.pubsub.model.node import Address, Node
from components.pubsub.model.settings import Settings

log = Logger(namespace="component")

MICROBLOG = "urn:xmpp:microblog:0"
"""Nodes of this name have entries of Atom, and those of comments have (XEP-0277 §3)."""

PATIENCE = 0.25
"""Seconds in which all that is published at once is made a body of, or some of it."""

SHARE = 0.1
"""How much of all the time there is each transformation may take: everybody waits for it."""
SAVED = 1.0
"""Seconds that it may take at once, when it has taken none for long."""

LOGGED_A_MINUTE = 1
"""How often it is logged that a transformation has made nothing of a payload."""

SHOWN = 300
"""Characters of what a transformation says about it: it may have them from the payload."""


class Spent:
    """How long a transformation has taken of late: raises `Untransformed` where that is too long.

    A payload may take as long as there is patience: each that is published, and again for each
    subscriber who is sent it as the last one.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._left = SAVED
        self._at = now()
        """When that was left."""

    def __enter__(self) -> None:
        now = self._now()
        self._left = min(SAVED, self._left + max(0.0, now - self._at) * SHARE)
        self._at = now
        if self._left <= 0:
            raise Untransformed("it has taken too long lately")

    def __exit__(self, *_: object) -> None:
        now = self._now()
        # No less, and no more than that: clocks are put forward and back.
        self._left = max(-SAVED, self._left - max(0.0, now - self._at))
        self._at = now


_UNCOUNTED: AbstractContextManager[None] = nullcontext()
"""What reads Atom takes no longer than to read what was published."""


class Bodies:
    """Makes them; those in vain are counted."""

    def __init__(
        self,
        transforms: Mapping[str, Transform],
        counts: Counter[str],
        now: Callable[[], float],
    ) -> None:
        self._transforms = transforms
        """By the URLs that `pubsub#body_xslt` may have."""
        self._counts = counts
        self._now = now
        self._spent = {url: Spent(now) for url in transforms}
        self._logged = Rate(LOGGED_A_MINUTE, now)

    def offered(self, node: Node) -> bool:
        """Whether there is a way to make bodies of what is in a node."""
        return self._way(node.address, node.settings) is not None

    def of(self, address: Address, settings: Settings, items: Sequence[Item]) -> bytes:
        """The body beside items that are told together, b"" for none."""
        way = self._way(address, settings)
        if way is None or not settings.deliver_payloads:
            return b""
        try:
            with self._spent.get(settings.body_xslt, _UNCOUNTED):
                said = [*self._said(way, items)]
        except Untransformed as error:
            self._counts["pubsub.body"] += 1
            if self._logged.take(settings.body_xslt):
                log.warn(
                    "{xslt} makes no body for {node} at {service}: {error}",
                    xslt=settings.body_xslt or "what reads Atom",
                    node=address.name,
                    service=address.service,
                    error=" ".join(str(error).split())[:SHOWN],
                )
            return b""
        return body("\n\n".join(said))

    def _said(self, way: Transform, items: Sequence[Item]) -> Iterator[str]:
        """What there is to be said of items, as much as goes into a body.

        What takes long is not waited for again and again: a batch has many items.
        """
        until, room = self._now() + PATIENCE, CHARACTERS
        for item in items:
            said = way(item.payload).strip() if item.payload else ""
            if said:
                room -= len(said)
                yield said
            if room < 0 or self._now() > until:
                return

    def _way(self, address: Address, settings: Settings) -> Transform | None:
        if settings.node_type != "leaf":
            return None
        way = self._transforms.get(settings.body_xslt)
        if way is not None:
            return way
        if _microblog(address.name) and settings.type in ("", atom.ATOM):
            return atom.title
        return atom.summary if settings.type == atom.ATOM else None


def _microblog(name: str) -> bool:
    return name == MICROBLOG or name.startswith(f"{MICROBLOG}:comments/")
