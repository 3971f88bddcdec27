"""Ten people at the real component, who do what a play says, and what each of them sees of a room.

    stage = Stage(print)
    stage.begin()
    stage.play(Step("juliet/balcony", "enter", "Juliet"))

After each step everybody's view, made of nothing but the stanzas that have come to him, is held
against the model (`tests.support.muc_model`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from components.muc.model.rates import NONE
from tests.support.conference import INSTANT, MUC, ROOMS, Conference, Person, codes
from tests.support.muc_model import Room
from tests.support.muc_values import Refused, Told, account_of
from tests.support.muc_view import View
from tests.support.people import C
from tests.support.server import DOMAIN, condition
from tests.support.steps import Step
from xmppd import ns

SESSIONS = (
    *("juliet/balcony", "romeo/street", "mercutio/street", "tybalt/street", "nurse/house"),
    *("benvolio/street", "paris/house", "friar/cell", "rosaline/house", "capulet/house"),
    *("juliet/garden", "romeo/orchard"),
)
ACCOUNTS = tuple(dict.fromkeys(map(account_of, SESSIONS)))

MINUTE = 60.0
WHILE = 3.0
"""Seconds between two steps: nobody does more than he may in a minute, and no stream is silent for
so long that it is given up."""

ADMIN = "http://jabber.org/protocol/muc#admin"
OWNER = "http://jabber.org/protocol/muc#owner"
ROOMCONFIG = "http://jabber.org/protocol/muc#roomconfig"


class _Hall(Conference):
    accounts = ACCOUNTS


class Stage:
    """The people, and a room of which none of them has heard. `note` is told of each step."""

    def __init__(self, note: Callable[[str], object], **policy: Any) -> None:
        self.note = note
        # One house for all plays: what people did in others is not to be held against them.
        self.hall = _Hall(
            owned=0, rooms=0, rates=NONE, lock_seconds=1e6, lock_wait=0, **policy
        ).start()
        self._people: dict[str, Person] = {}
        self._rooms = 0
        self._line = 0
        self.address = ""

    def begin(self) -> None:
        """Have everybody out of the room, and take another one."""
        for session, person in self._people.items():
            if self.address:
                person.client.send(self._leave(self.views[session].own or "anybody"))
        self._came()
        self.hall.pass_time(WHILE)
        self._rooms += 1
        self.address = f"hall{self._rooms}@{ROOMS}"
        self.room = Room()
        self.views = {each: View(each, self.address) for each in SESSIONS}

    def play(self, step: Step) -> None:
        """Have a step done by the model and by the component, and compare."""
        self.room.told = Told()
        # Rooms are set up anew a few times a minute where everybody is told of everybody by it.
        self.hall.pass_time(MINUTE if step.does == "configure" else WHILE)
        step = self._whole(step)
        self.note(f"    {step}")
        person = self._person(step.who)
        self._line += 1
        sends = getattr(self, f"_{step.does}")(*step.what, **step.how)
        allowed = self._modelled(step)
        if step.does == "enter" and not allowed:
            self.views[step.who].enter()
        person.client.send(sends)
        came = self._came()
        if step.does == "vanish":
            person.client.hang_up()
            del self._people[step.who]
            self.views[step.who].forget()
            came = self._came()
        outcome = _outcome(came.get(step.who, []))
        assert outcome in (allowed or {""}), f"{outcome or 'done'}, where {set(allowed) or 'done'}"
        for session, stanzas in came.items():
            self._compare(step, session, stanzas)

    def _came(self) -> dict[str, list[Element]]:
        """What has come to each."""
        self.hall.pump()
        return {each: person.client.elements() for each, person in self._people.items()}

    def _modelled(self, step: Step) -> frozenset[str]:
        """Have the model do it; the conditions by one of which it is refused, or none."""
        does = "leave" if step.does == "vanish" else step.does
        try:
            getattr(self.room, does)(step.who, *step.what, **step.how)
        except Refused as refused:
            assert not self.room.told.gone and not self.room.told.heard
            return refused.conditions
        return frozenset()

    def _compare(self, step: Step, session: str, stanzas: list[Element]) -> None:
        view, room = self.views[session], self.room
        view.heard, view.order = [], []
        for stanza in stanzas:
            view.take(stanza, room)
        who = f"{session}: "
        known = self._known(session)
        assert view.seen == known, f"{who}{view.seen} is not what he should see: {known}"
        occupant = room.occupant(session)
        assert view.own == (occupant.nick if occupant else ""), f"{who}his nick is {view.own!r}"
        expected = room.told.heard[session]
        assert view.heard == expected, f"{who}heard {view.heard}, and not {expected}"
        if session == step.who and room.told.entering is not None:
            view.check_order()

    def _known(self, session: str) -> dict[str, tuple[str, str, str, str | None]]:
        """What a session has to know.

        What it may not know any more it may have learnt before, and of itself it may know all.
        """
        seen = self.views[session].seen
        known = self.room.visible(session)
        for nick, (role, affiliation, show, jid) in known.items():
            if jid is None and nick in seen:
                known[nick] = (role, affiliation, show, seen[nick][3])
        return known

    # ------------------------------------------------------------------ who does it, and how

    def _person(self, session: str) -> Person:
        if session not in self._people:
            name, _, resource = session.partition("/")
            self._people[session] = self.hall.person(name, resource)
        return self._people[session]

    def _whole(self, step: Step) -> Step:
        """A step with what it leaves open: who it is, by which nick, what he says."""
        who, does, what = self._who(step.who), step.does, step.what
        if does in ("whisper", "give_role"):
            what = (self._nick(what[0]), *what[1:])
        if does == "show" and not what[0]:
            occupant = self.room.occupant(who)
            nick = occupant.nick if occupant else account_of(who).capitalize()
            what = (nick, *what[1:])
        if does in ("say", "subject", "whisper"):
            what = (*what, f"line {self._line}")
        return Step(who, does, *what, **step.how)

    def _who(self, who: str) -> str:
        """A session, where it is not said which: an occupant's by number, or of some rank."""
        if who in SESSIONS:
            return who
        inside = self.room.everybody()
        if who.isdecimal():
            return inside[int(who) % len(inside)] if inside else SESSIONS[0]
        found = self.room.somebody(who) or SESSIONS[0]
        return next(each for each in SESSIONS if found in (each, account_of(each)))

    def _nick(self, nick: str) -> str:
        """A nick, where it is not said which: an occupant's by number."""
        if not nick.isdecimal():
            return nick
        there = self.room.occupants
        return there[int(nick) % len(there)].nick if there else "Juliet"

    def _to(self, nick: str = "") -> str:
        return quoteattr(f"{self.address}/{nick}" if nick else self.address)

    def _enter(self, nick: str, password: str = "") -> str:
        inside = f"<password>{password}</password>" if password else ""
        return f"<presence to={self._to(nick)}><x xmlns='{MUC}'>{inside}</x></presence>"

    def _show(self, nick: str, show: str) -> str:
        inside = f"<show>{show}</show>" if show else ""
        return f"<presence to={self._to(nick)}>{inside}</presence>"

    def _leave(self, nick: str = "anybody") -> str:
        return f"<presence type='unavailable' to={self._to(nick)}/>"

    def _vanish(self) -> str:
        return ""

    def _say(self, line: str) -> str:
        inside = f"<body>{line}</body>"
        return f"<message type='groupchat' id='{line}' to={self._to()}>{inside}</message>"

    def _subject(self, line: str) -> str:
        inside = f"<subject>{line}</subject>"
        return f"<message type='groupchat' id='{line}' to={self._to()}>{inside}</message>"

    def _whisper(self, nick: str, line: str) -> str:
        inside = f"<body>{line}</body>"
        return f"<message type='chat' id='{line}' to={self._to(nick)}>{inside}</message>"

    def _iq(self, payload: str) -> str:
        return f"<iq type='set' id='q{self._line}' to={self._to()}>{payload}</iq>"

    def _give_role(self, nick: str, role: str) -> str:
        item = f"<item nick={quoteattr(nick)} role='{role}'/>"
        return self._iq(f"<query xmlns='{ADMIN}'>{item}</query>")

    def _affiliate(self, account: str, affiliation: str) -> str:
        item = f"<item jid='{account}@{DOMAIN}' affiliation='{affiliation}'/>"
        return self._iq(f"<query xmlns='{ADMIN}'>{item}</query>")

    def _unlock(self) -> str:
        return self._iq(INSTANT)

    def _configure(self, **changes: Any) -> str:
        fields = "".join(_field(*each) for each in changes.items())
        form = f"<field var='FORM_TYPE'><value>{ROOMCONFIG}</value></field>{fields}"
        x = f"<x xmlns='{ns.DATA_FORM}' type='submit'>{form}</x>"
        return self._iq(f"<query xmlns='{OWNER}'>{x}</query>")

    def _destroy(self) -> str:
        return self._iq(f"<query xmlns='{OWNER}'><destroy/></query>")


def _outcome(stanzas: list[Element]) -> str:
    """The condition by which somebody was refused, "" where he was not.

    It is taken out of what has come.
    """
    answers = [each for each in stanzas if each.get("type") == "error" or each.tag == f"{C}iq"]
    away = [each for each in stanzas if 333 in codes(each)]
    for each in (*answers, *away):
        stanzas.remove(each)
    if away:
        assert [sorted(codes(each)) for each in away] == [[110, 307, 333]], "§7.2.18"
        return "turned away"
    assert len(answers) <= 1, "answered more than once"
    return condition(answers[0]) if answers else ""


_VARS = {
    "persistent": "persistentroom",
    "members_only": "membersonly",
    "moderated": "moderatedroom",
    "change_subject": "changesubject",
    "private_messages": "allowpm",
}


def _field(name: str, value: Any) -> str:
    """A field of the configuration form (§16.5.3)."""
    written: dict[str, list[str]]
    if name == "anonymous":
        written = {"whois": ["moderators" if value else "anyone"]}
    elif name == "broadcast":
        written = {"presencebroadcast": sorted(value)}
    elif name == "password":
        written = {"passwordprotectedroom": [str(int(bool(value)))], "roomsecret": [value]}
    else:
        written = {_VARS[name]: [str(int(value)) if isinstance(value, bool) else value]}
    return "".join(
        f"<field var='muc#roomconfig_{var}'>"
        + "".join(f"<value>{each}</value>" for each in values)
        + "</field>"
        for var, values in written.items()
    )
