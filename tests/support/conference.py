"""Chatrooms at xmppd, both in memory, and the people in them.

    hall = Conference().start()
    juliet = hall.opened("juliet")  # she has made the room `HALL` and let others in
    romeo = hall.person("romeo").join()
    romeo.say("But, soft!")
    assert juliet.one().findtext(f"{C}body") == "But, soft!"

What a person reads is what came since he last read, as trees.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from twisted.internet.defer import Deferred

from components.muc.assembly import assemble
from components.muc.model.policy import Policy
from components.muc.model.room import Room
from components.muc.model.settings import DEFAULTS, Settings
from components.muc.store.rooms import SCHEMA
from tests.support.deferred import result
from tests.support.meeting import Meeting
from tests.support.people import C
from tests.support.server import DOMAIN, Client
from xmppd import ns
from xmppd.jid import JID
from xmppd.storage.interfaces import Database
from xmppd.storage.url import open_database

ROOMS = f"rooms.{DOMAIN}"
HALL = f"hall@{ROOMS}"

MUC = "http://jabber.org/protocol/muc"
U = f"{{{MUC}#user}}"
STEP = 10.0
"""Seconds in which server and component hear of each other."""

ENTER = f"<x xmlns='{MUC}'/>"
INSTANT = f"<query xmlns='{MUC}#owner'><x xmlns='{ns.DATA_FORM}' type='submit'/></query>"


class Conference(Meeting):
    """The component with a store in memory. `policy` has fields of `Policy`.

    `database` is another component's store, which this one takes over. `instances` says how many
    of it there may be: `beside` has one more at the same server, with the same store.
    """

    domain = ROOMS
    accounts = ("juliet", "romeo", "mercutio", "tybalt", "nurse", "benvolio", "paris", "friar")

    def __init__(
        self,
        *,
        database: Database | None = None,
        defaults: Settings = DEFAULTS,
        instances: int = 1,
        instance: str = "",
        beside: Conference | None = None,
        **policy: Any,
    ) -> None:
        admins = frozenset(map(JID.parse, policy.pop("admins", ())))
        self.policy = Policy(domains=(DOMAIN,), admins=admins, **policy)
        self.defaults = defaults
        self.database = database if beside is None else beside.database
        self.all: list[Conference] = [] if beside is None else beside.all
        self.all.append(self)
        grants = {"multicast": 1000, "accounts": True, "instances": instances}
        super().__init__(None, beside=beside, instance=instance, **grants)

    def pump(self) -> Self:
        for _ in self.all:
            for each in self.all:
                if hasattr(each, "line"):
                    Meeting.pump(each)
        return self

    def introduced(self) -> None:  # type: ignore[override]
        if self.database is None:
            clock = self.server.clock
            self.database = result(open_database("sqlite::memory:", SCHEMA, clock, Path()))
        making = assemble(
            self.component, self.database, self.policy, self.life, "Halls", self.defaults
        )
        self.service = result(Deferred.fromCoroutine(making))

    def person(self, name: str, resource: str = "street") -> Person:
        """Somebody who has logged in, and is in no room."""
        client = self.server.log_in(name, resource)
        return Person(self, client)

    def opened(self, name: str, resource: str = "street", room: str = HALL) -> Person:
        """Somebody who has made a room and let others in (§10.1.2)."""
        person = self.person(name, resource).join(room)
        assert person.ask(INSTANT, "set", room).get("type") == "result"
        person.came()
        return person

    # ------------------------------------------------------------------ the component ends

    def stopping(self) -> Deferred[None]:
        """Have the component begin to stop; fires when it has."""
        stopping = Deferred.fromCoroutine(self.component.stop())
        self.pump()
        return stopping

    def stop(self) -> Self:
        """Have the component stop in order, as SIGTERM does."""
        stopping = self.stopping()
        for _ in range(20):
            if stopping.called:
                break
            self.pass_time(0.5)
        result(stopping)
        return self

    def kill(self) -> None:
        """Have the process end without a word, when what it has handled is acknowledged."""
        self.pass_time(1)
        super().kill()

    def slow_load(self) -> Deferred[None]:
        """Have the next room that is read be there only when the Deferred has fired."""
        store, waiting = self.service.store, Deferred[None]()
        load = store.load

        async def slow(address: JID) -> Any:
            store.load = load  # type: ignore[method-assign]
            found = await load(address)
            await waiting
            return found

        store.load = slow  # type: ignore[assignment, method-assign]
        return waiting

    def forget(self) -> Self:
        """Have the server lose the component's stream and forget it, as when it is restarted."""
        self.pass_time(1)
        self.cut()
        served = self.server.host.components.get(self.domain)
        assert served is not None
        for instance in list(served.instances.values()):
            instance.give_up("component.gone")
            served.forget(instance)
        self.come_back()
        return self

    def again(self) -> Self:
        """Start another process of the component, on the same store; it settles in."""
        self.begin()
        return self.start().pass_time(5)

    def pass_time(self, seconds: float) -> Self:
        """Let time pass, in steps in which the line is not taken for dead."""
        while seconds > 0:
            self.server.clock.advance(min(seconds, STEP))
            self.pump()
            seconds -= STEP
        return self


class Person:
    """A client, who is in rooms under his name with a capital letter unless he says otherwise."""

    def __init__(self, hall: Conference, client: Client) -> None:
        assert client.jid is not None
        self.hall = hall
        self.client = client
        self.jid: JID = client.jid
        self.nick = client.jid.local.capitalize()
        self._ids = 0
        self.came()

    def send(self, data: str) -> Self:
        """Send a stanza."""
        self.client.send(data)
        self.hall.pump()
        return self

    def came(self) -> list[Element]:
        """What came since the last look."""
        self.hall.pump()
        return self.client.elements()

    def one(self) -> Element:
        """The one stanza that came since the last look."""
        found = self.came()
        assert len(found) == 1, [(each.tag, each.attrib) for each in found]
        return found[0]

    def join(self, room: str = HALL, nick: str = "", inside: str = "", id_: str = "") -> Self:
        """Enter a room (§7.2.1); `inside` stands in the presence besides."""
        asked = inside if f"'{MUC}'" in inside else ENTER + inside
        attrs = f" id={quoteattr(id_)}" if id_ else ""
        to = quoteattr(f"{room}/{nick or self.nick}")
        return self.send(f"<presence to={to}{attrs}>{asked}</presence>")

    def leave(self, room: str = HALL, inside: str = "") -> Self:
        """Leave a room (§7.14)."""
        return self.presence(f"{room}/{self.nick}", inside, "unavailable")

    def presence(self, to: str, inside: str = "", type_: str = "") -> Self:
        """Send presence."""
        attrs = f" type='{type_}'" if type_ else ""
        return self.send(f"<presence to={quoteattr(to)}{attrs}>{inside}</presence>")

    def say(self, body: str, room: str = HALL, id_: str = "m1") -> Self:
        """Say something to all in a room (§7.4)."""
        return self.message(room, f"<body>{body}</body>", "groupchat", id_)

    def message(self, to: str, inside: str, type_: str = "", id_: str = "m1") -> Self:
        """Send a message."""
        attrs = f" type='{type_}'" if type_ else ""
        return self.send(f"<message to={quoteattr(to)} id='{id_}'{attrs}>{inside}</message>")

    def ask(self, payload: str, type_: str = "get", to: str = HALL) -> Element:
        """The answer to a request; all that has come besides is in `others`."""
        self._ids += 1
        id_ = f"q{self._ids}"
        self.send(f"<iq type='{type_}' id='{id_}' to={quoteattr(to)}>{payload}</iq>")
        found = self.came()
        answers = [each for each in found if each.get("id") == id_ and each.tag == f"{C}iq"]
        assert len(answers) == 1, f"{len(answers)} answers to {payload}"
        self.others = [each for each in found if each is not answers[0]]
        return answers[0]


def item(presence: Element) -> dict[str, str]:
    """What presence says of whom it is about (§7.2.2)."""
    found = presence.find(f"{U}x/{U}item")
    assert found is not None
    return dict(found.attrib)


def codes(stanza: Element) -> list[int]:
    """The status codes of a stanza."""
    return [int(each.get("code", "")) for each in stanza.iterfind(f"{U}x/{U}status")]


def room(hall: Conference, **settings: Any) -> Room:
    """The room `HALL` in memory, with other settings without a word to anybody."""
    found = hall.service.rooms.at_hand(JID.parse(HALL))
    assert found is not None
    found.settings = found.settings.change(**settings)
    return found


def settings(hall: Conference, **changes: Any) -> None:
    """Have the room `HALL` be set up otherwise."""
    room(hall, **changes)


def enter(hall: Conference, name: str, *others: Person, resource: str = "street") -> Person:
    """Somebody who has come in; he and `others` have read what they were told of it."""
    person = hall.person(name, resource).join()
    for each in (person, *others):
        each.came()
    return person


def company(hall: Conference, *names: str) -> list[Person]:
    """Juliet, whose room it is, and others who have come in."""
    people = [hall.opened("juliet"), *(hall.person(name).join() for name in names)]
    for each in people:
        each.came()
    return people
