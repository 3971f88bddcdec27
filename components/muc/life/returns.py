"""What comes back as an error, and who is told of it.

Rule 1: only what was sent can come back, from whom it was sent to, and once.
Rule 2: an error that is passed on names nobody whose address is not to be seen (XEP-0045 §17.4).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TypeAlias

from components.common import answers, tree
from components.common.stanza import Stanza
from components.common.tree import TooLong
from xmppd import ns
from xmppd.errors import StanzaError

MOST = 10_000
"""Of how many messages it is known whom they came from."""

_EXTRA = 4_096
"""Octets of what an application says of an error."""

_TYPES = frozenset({"auth", "cancel", "continue", "modify", "wait"})

Tell: TypeAlias = Callable[[StanzaError], object]
"""Told why a message has come back."""


class _Sent:
    """A message on its way to one or several addresses; `left` have not sent it back."""

    __slots__ = ("left", "tell")

    def __init__(self, left: int, tell: Tell) -> None:
        self.left = left
        self.tell = tell


class Returns:
    """The latest messages that may come back."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._sent: OrderedDict[tuple[str, str, str], _Sent] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sent)

    def expect(self, sender: str, recipients: Iterable[str], id_: str, tell: Tell) -> None:
        """Have `tell` called when none of the recipients has got a message, the last of them.

        A recipient that is a bare JID may answer by any of its resources.
        """
        to = list(recipients)
        sent = _Sent(len(to), tell)
        for each in to:
            self._sent[each, sender, id_] = sent
        while len(self._sent) > self._most:
            self._sent.popitem(last=False)

    def came_back(self, error: Stanza) -> None:
        """A message has come back as an error, or so somebody says."""
        sender, to, id_ = error.attrs["from"], error.attrs["to"], error.id
        sent = self._sent.pop((sender, to, id_), None)
        if sent is None:
            sent = self._sent.pop((sender.partition("/")[0], to, id_), None)
        if sent is None:
            return
        sent.left -= 1
        if not sent.left:
            sent.tell(passed_on(error, hidden=True))


def passed_on(error: Stanza, *, hidden: bool) -> StanzaError:
    """The error of a stanza of type "error", as others may see it.

    What people read in it, and where somebody is instead, would name him who is `hidden`.
    """
    condition, text = answers.stanza_condition(error)
    element = error.element.find(error.named("error"))
    type_ = "" if element is None else element.get("type", "")
    extra = b""
    for child in () if element is None else element:
        if not child.tag.startswith(f"{{{ns.STANZA_ERRORS}}}"):
            try:
                extra = tree.written(child, error.content, _EXTRA)
            except TooLong:
                continue
            break
    return StanzaError(
        condition,
        "" if hidden else text,
        reason="muc.passed-on",
        type=type_ if type_ in _TYPES else None,
        extra=extra,
    )
