"""What newcomers of some rooms are asked before they enter (XEP-0158 §3.1).

Rule 1: who is asked could enter but for that: he learns of everything else that keeps him out
before, and he is asked nothing that would do him no good.
Rule 2: a question is answered once, right or wrong; who was wrong has to enter again.
Rule 3: what waits for an answer is bounded, in number and in time.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeAlias

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from components.common.component import Component
from components.common.rate import Rate
from components.common.stanza import Stanza
from components.muc.life.refusals import refused
from components.muc.model import entering
from components.muc.model.entering import Entry
from components.muc.model.policy import Policy
from components.muc.model.ranks import Affiliation
from components.muc.model.room import Room
from xmppd.errors import StanzaError
from xmppd.jid import JID

SECONDS = 120.0
"""How long a question may be answered: clients remember no longer why they were asked (§3.1.3)."""
KNOWN_SECONDS = 3_600.0
"""How long who has given the answer is not asked again."""
OFTEN = 5
"""How often a minute a user is asked by a room."""
WAITING = 1_000
"""How many questions may be unanswered at a time,"""
OF_ROOM = 200
"""and how many of them one room's,"""
OF_USER = 5
"""or one user's."""
OCTETS = 16_384
"""Octets of the presence by which somebody enters who is asked: it is kept until he answers."""
KNOWN = 10_000
"""Of how many it is known at a time that they have given the answer."""

Enter: TypeAlias = Callable[[Stanza, Room], object]
"""Has presence let somebody in, as if it had come now; raises StanzaError."""


class Question:
    """A question that somebody was asked; `presence` is by which he wants to enter."""

    __slots__ = ("answer", "id", "presence", "room", "session", "timer")

    def __init__(self, room: Room, session: JID, presence: Stanza) -> None:
        self.id = secrets.token_urlsafe(12)
        self.room = room.id
        self.session = session
        self.presence = presence.kept()
        self.answer = likened(room.settings.answer)
        self.timer: IDelayedCall

    def answered_by(self, text: str) -> bool:
        """Whether that is the answer; letter case and blanks aside."""
        return likened(text) == self.answer


def likened(text: str) -> str:
    """A text as it is compared."""
    return " ".join(text.casefold().split())


class Questions:
    """Who was asked, and who has answered."""

    def __init__(self, component: Component, clock: IReactorTime, policy: Policy) -> None:
        self._component = component
        self._clock = clock
        self._policy = policy
        self._often = Rate(OFTEN, clock.seconds)
        self._waiting: dict[tuple[int, JID], Question] = {}
        """By room, and by the session that was asked."""
        self._known: OrderedDict[tuple[int, JID], float] = OrderedDict()
        self.enter: Enter
        """Lets in who has answered; set by who reads presence,"""
        self.ask: Callable[[Question, Room], object]
        """and sends a question; set by who takes answers."""

    def __len__(self) -> int:
        """How many questions are not answered yet."""
        return len(self._waiting)

    # ------------------------------------------------------------------ asked

    def hold(self, presence: Stanza, room: Room, entry: Entry) -> bool:
        """Ask who wants to enter, and have him wait; False where there is nothing to ask.

        Raises StanzaError where he may not enter, and where too much is asked already.
        """
        if not room.settings.question or self._need_not(room, entry):
            return False
        nick = entering.nick_given(room, entry.account, entry.nick)
        entering.check(room, entry._replace(nick=nick), self._policy)
        if len(presence.inner) > OCTETS:
            text = f"there may be {OCTETS} octets at the most"
            raise StanzaError("policy-violation", text, reason="muc.large-presence")
        self.withdraw(room, entry.session)
        self._check_space(room, entry.account)
        question = Question(room, entry.session, presence)
        question.timer = self._clock.callLater(SECONDS, self._too_late, question)
        self._waiting[room.id, entry.session] = question
        self.ask(question, room)
        return True

    def _need_not(self, room: Room, entry: Entry) -> bool:
        if entry.affiliation >= Affiliation.MEMBER or any(room.of(entry.account)):
            return True
        until = self._known.get((room.id, entry.account))
        return until is not None and self._clock.seconds() < until

    def _check_space(self, room: Room, account: JID) -> None:
        if not self._often.take((room.id, account)):
            text = "you were asked too often"
            raise StanzaError("not-acceptable", text, reason="muc.asked-often")
        rooms = sum(1 for each in self._waiting.values() if each.room == room.id)
        users = sum(1 for each in self._waiting.values() if each.session.bare == account)
        if len(self._waiting) >= WAITING or rooms >= OF_ROOM or users >= OF_USER:
            text = "too many were asked and have not answered"
            raise StanzaError("resource-constraint", text, reason="muc.many-questions")

    # ------------------------------------------------------------------ answered

    def of(self, room: Room, session: JID, id_: str = "") -> Question | None:
        """The question that a session was asked by a room, if it is of this id; of any for ""."""
        found = self._waiting.get((room.id, session))
        return None if found is None or id_ not in ("", found.id) else found

    def passed(self, question: Question, room: Room) -> None:
        """The answer was right: he enters, or is told what keeps him out by now."""
        self._over(question)
        self._known[room.id, question.session.bare] = self._clock.seconds() + KNOWN_SECONDS
        self._known.move_to_end((room.id, question.session.bare))
        if len(self._known) > KNOWN:
            self._known.popitem(last=False)
        try:
            self.enter(question.presence, room)
        except StanzaError as error:
            self._component.send(refused(question.presence, error))

    def failed(self, question: Question, why: str = "that was not the answer") -> None:
        """The answer was wrong, or there will be none: he does not enter."""
        if self._over(question):
            error = StanzaError("not-authorized", why, reason="muc.not-answered")
            self._component.send(refused(question.presence, error))

    def withdraw(self, room: Room, session: JID) -> None:
        """Somebody does not want to enter any more, or not so."""
        question = self.of(room, session)
        if question is not None:
            self._over(question)

    def _too_late(self, question: Question) -> None:
        self.failed(question, "there was no answer in time")

    def _over(self, question: Question) -> bool:
        if question.timer.active():
            question.timer.cancel()
        key = question.room, question.session
        if self._waiting.get(key) is not question:
            return False
        del self._waiting[key]
        return True
