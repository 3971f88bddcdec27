"""Plays of three servers whose wires break, and what has to be true of all that was said there.

Six people, two at each server: one is a client that manages its stream, one is at a domain of
somebody else's at that server, as components have them. Each stanza has a number, its `id`. At the
end everything is healed, time goes by, and each number must have come to something.
"""

from __future__ import annotations

import gc
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple
from unittest.mock import patch

from tests.support.federated import Hand
from tests.support.logs import logged
from tests.support.lossy_web import NOT_FOUND, UNREACHABLE, LossyTown, LossyWeb, LossyWire
from tests.support.server import Client
from tests.support.server_streams import header
from tests.support.steps import Step
from xmppd import ns
from xmppd.core.router import Router
from xmppd.core.s2s.connection import ServerConnection
from xmppd.stream.states import State
from xmppd.wire import stored
from xmppd.wire.claim import Claim
from xmppd.wire.stanza import Stanza

HOUSES = (
    ("capulet.lit", "rooms.capulet.lit"),
    ("montague.lit", "halls.montague.lit"),
    ("verona.lit", "court.verona.lit"),
)
PEOPLE = (
    "juliet@capulet.lit/x",
    "nurse@rooms.capulet.lit/x",
    "romeo@montague.lit/x",
    "friar@halls.montague.lit/x",
    "juliet@verona.lit/x",
    "prince@court.verona.lit/x",
)
OUT_OF_PLACE = frozenset(
    {
        "stream.element",
        "stream.internal",
        "s2s.unsolicited",
        "s2s.malformed",
        "s2s.addressing",
    }
) | {"acks.enabled", "acks.malformed", "acks.too-high"}
"""What none of these servers should have to tell another."""

PEACE = False
"""Whether a stream that both ends close may double nothing: nearly so, not always yet."""

EVIL = 1_000_000
"""Numbers from here on are said in the name of somebody else, and nobody may get them."""

_SAID = {
    "message": "<message id='n{n}' type='chat' {who}><body>{pad}</body></message>",
    "iq": "<iq id='n{n}' type='get' {who}><query xmlns='urn:example:number'/></iq>",
    "presence": "<presence id='n{n}' {who}/>",
}
_NUMBER = re.compile(rb"\bid=['\"]n(\d+)['\"]")


class Rules(NamedTuple):
    """How a server is set up. `shows`: how many of its two domains its certificate names."""

    bidirectional: bool = True
    manageable: bool = True
    require: str = "certificate"
    shows: int = 2
    resume_seconds: int = 120


class Said(NamedTuple):
    """What somebody has said."""

    kind: str
    sender: str
    to: str


class Came(NamedTuple):
    """What came to somebody."""

    kind: str
    type: str
    number: int
    sender: str


def domain_of(jid: str) -> str:
    return jid.partition("/")[0].partition("@")[2]


class InOrder(dict[ServerConnection, None]):
    """A set that is gone through in the same order each time, as plays have to be."""

    def add(self, each: ServerConnection) -> None:
        self[each] = None

    def discard(self, each: ServerConnection) -> None:
        self.pop(each, None)


class Guest:
    """Somebody at a domain that is not the server's own."""

    def __init__(self, town: LossyTown, jid: str, domain: str) -> None:
        self.jid = jid
        self.came: list[Came] = []
        self.claims: list[Claim] = []
        self._town = town
        self._keeps = False
        self._kept: list[Claim] = []
        self.held: set[int] = set()
        """What it has kept for a while."""
        town.host.router.attach(self._take, domain)

    def _take(self, stanza: Stanza) -> None:
        sender = str(stanza.sender)
        self.came.append(Came(stanza.kind, stanza.type, int(stanza.id[1:] or 0), sender))
        if self._keeps and stanza.claim is not None:
            stanza.claim.hold()
            self._kept.append(stanza.claim)
            self.held.add(self.came[-1].number)

    def keep(self, keeps: bool) -> None:
        """Have nothing in safe hands for a while, or all of it."""
        self._keeps = keeps
        kept, self._kept = self._kept, []
        for claim in kept:
            claim.let_go()

    def say(self, text: str, to: str, sender: str = "") -> None:
        stanza = stored.load(text.format(who=f"from='{sender or self.jid}' to='{to}'").encode())
        claim = stanza.claim = Claim()
        self.claims.append(claim)
        self._town.host.router.route(stanza)
        claim.let_go()

    def hear(self) -> list[Came]:
        came, self.came = self.came, []
        return came

    def check(self) -> None:
        assert {claim.held for claim in self.claims} <= {0}, "somebody holds on to a claim"


class Resident:
    """A client that manages its stream."""

    def __init__(self, town: LossyTown, jid: str) -> None:
        self.jid = jid
        self._client: Client = town.log_in(jid.partition("@")[0])
        self._client.send(f"<enable xmlns='{ns.STREAM_MANAGEMENT}'/>").take()
        self._sent = self._got = 0

    def say(self, text: str, to: str, sender: str = "") -> None:
        self._sent += 1
        self._client.send(text.format(who=f"to='{to}'"))

    def hear(self) -> list[Came]:
        client = self._client
        came, got = [], self._got
        for element in client.elements():
            kind = element.tag.rpartition("}")[2]
            if kind in _SAID:
                self._got += 1
                if (id_ := element.get("id", "")).startswith("n"):
                    who = element.get("from", "")
                    came.append(Came(kind, element.get("type", ""), int(id_[1:]), who))
            elif kind == "a":
                self._handled = int(element.get("h", ""))
        if self._got > got:
            client.send(f"<a xmlns='{ns.STREAM_MANAGEMENT}' h='{self._got}'/>")
        return came

    def check(self) -> None:
        assert not self._client.paused, f"{self.jid} is read no more"
        self._client.send(f"<r xmlns='{ns.STREAM_MANAGEMENT}'/>")
        self.hear()
        assert self._handled == self._sent, "somebody holds on to a claim"


class Stage:
    """Three servers, and what was said; `tell` is told of it. `rogue` is a domain that is not the
    third server's, which it claims all the same."""

    def __init__(
        self,
        rules: tuple[Rules, Rules, Rules],
        tell: Callable[[str], object],
        *,
        rogue: str = "",
        strict: bool = False,
    ) -> None:
        self.web = LossyWeb(self._lose)
        self._rules = rules
        self._rogue = rogue
        self._strict = strict
        self._tell = tell
        self._said: dict[int, Said] = {}
        self._evil = EVIL
        self.came: dict[str, list[Came]] = {jid: [] for jid in PEOPLE}
        self.may_be_lost: set[int] = set()
        """What may have come to nothing: nobody acknowledges it, or who had to is dead."""
        self.again: set[int] = set()
        """What was sent on a stream that was lost, and was not acknowledged; where all streams can
        be resumed (`strict`), before that was agreed upon."""
        self._hands: list[Hand] = []
        self._errors: list[str] = []
        self._people: dict[str, Guest | Resident] = {}
        self._denied: list[set[str]] = [set(), set(), set()]
        self.towns = [self._build(index) for index in range(3)]
        self.web.settle()
        self._timers = Counter(self._waiting())

    # ------------------------------------------------------------------ servers

    def _build(self, index: int) -> LossyTown:
        first, second = domains = HOUSES[index]
        rules = self._rules[index]
        town = LossyTown(
            self.web,
            (first,),
            domains[: rules.shows],
            self._tables(index),
            manageable=rules.manageable,
        )
        for domain in domains:
            self.web.move(domain, f"host{index}", town)
        self._watch(town)
        resident, guest = PEOPLE[2 * index : 2 * index + 2]
        self._people[guest] = Guest(town, guest, second)
        self._people[resident] = Resident(town, resident)
        if index == 2 and self._rogue:
            self._liar = Guest(town, "", self._rogue)
        return town

    def _tables(self, index: int) -> dict[str, Any]:
        rules = self._rules[index]
        s2s = {
            "bidirectional": rules.bidirectional,
            "require": rules.require,
            "resume_seconds": rules.resume_seconds,
            "deny": sorted(self._denied[index]),
        }
        return {"s2s": s2s, "server": {"domains": [HOUSES[index][0]]}}

    def _watch(self, town: LossyTown) -> None:
        """Note what was not acknowledged on a stream that is lost."""
        remotes: Any = town.remotes
        remotes.connections = InOrder()
        lost = remotes.lost

        def told(connection: ServerConnection, error: Any, **how: Any) -> None:
            wrong = {*OUT_OF_PLACE, "s2s.from"} if connection.peers else OUT_OF_PLACE
            if error is not None and error.reason in wrong:
                wire: Any = connection.wire
                if not isinstance(wire.other.carried, Hand):
                    self._errors.append(str(error))
            managed = connection.managed
            if managed is not None:
                resumes = managed.id and not connection.incoming
                left = _numbers(managed.outbox)
                if PEACE and error is None and not how["broken"] and _in_peace(connection):
                    self.again.update(n for n in left if self._may_be_held(n))
                elif not (self._strict and resumes):
                    self.again.update(left)
            lost(connection, error, **how)

        remotes.lost = told

    def _may_be_held(self, n: int) -> bool:
        """Whether somebody may have got it who has not said that it is in safe hands."""
        said = self._said.get(n)
        people = () if said is None else (self._people[said.sender], self._people[said.to])
        return any(isinstance(each, Resident) or n in each.held for each in people)

    def _lose(self, data: bytes, managed: bool) -> None:
        if not managed:
            self.may_be_lost.update(int(n) for n in _NUMBER.findall(data))

    def _house_of(self, jid: str) -> int:
        return PEOPLE.index(jid) // 2

    @property
    def bounce(self) -> Callable[[Router, Stanza, BaseException], None]:
        """As the router does it; a result that can't be delivered is answered by nothing."""
        bounce = Router.bounce

        def noting(router: Router, stanza: Stanza, error: BaseException) -> None:
            if stanza.type == "result":
                self.may_be_lost.add(int(stanza.id[1:]))
            bounce(router, stanza, error)

        return noting

    # ------------------------------------------------------------------ the play

    def play(self, step: Step) -> None:
        """Have somebody do something, and those act on it whom it has reached."""
        self._tell(repr(step))
        getattr(self, f"_{step.does}")(*step.what)
        self._listen()

    def _listen(self) -> None:
        """People take what has come to them, and answer what they are asked."""
        again = True
        while again:
            again = False
            for jid, somebody in self._people.items():
                for came in somebody.hear():
                    self._tell(f"   {jid} gets {came.kind} {came.type} {came.number}")
                    again = True
                    self.came[jid].append(came)
                    if came.type == "get":
                        result = f"<iq id='n{came.number}' type='result' {{who}}/>"
                        somebody.say(result, came.sender)
        if self._rogue:
            self._liar.came.clear()

    def _say(self, who: int, to: int, kind: str, many: int, octets: int) -> None:
        sender, target = PEOPLE[who % 6], PEOPLE[to % 6]
        if self._house_of(sender) == self._house_of(target):
            return
        if (
            self._rogue
            and self._rogue in (domain_of(sender), domain_of(target))
            and (2 in (self._house_of(sender), self._house_of(target)))
        ):
            return
        for _ in range(many):
            n = len(self._said) + 1
            self._said[n] = Said(kind, sender, target)
            text = _SAID[kind].replace("{n}", str(n)).replace("{pad}", "o" * octets)
            self._people[sender].say(text, target)

    def _carry(self, which: int, many: int) -> None:
        """So much of what is on its way arrives: by one end of a wire, or as it was sent."""
        wires = self.web.standing()
        if which < 2 * len(wires):
            end = wires[which // 2] if which % 2 else wires[which // 2].other
            for _ in range(many):
                end.carry()
            return
        for _ in range(many):
            if self.web.way:
                self.web.way.popleft()()

    def _settle(self) -> None:
        self.web.settle()

    def _wait(self, seconds: float) -> None:
        self.web.advance(seconds)

    def _wire(self, which: int) -> LossyWire | None:
        wires = self.web.standing()
        return wires[which % len(wires)] if wires else None

    def _cut(self, which: int, near: int, far: int, soon: float, late: float) -> None:
        wire = self._wire(which)
        if wire is not None:
            wire.cut(near, far, noticed=(soon, late))

    def _close(self, which: int, end: int) -> None:
        """A server ends a stream in peace."""
        wire = self._wire(which)
        if wire is not None:
            carried = (wire.other if end else wire).carried
            if isinstance(carried, ServerConnection):
                carried.close()

    def _die(self, which: int, noticed: float) -> None:
        """A server is killed and started again."""
        index = which % 3
        people = PEOPLE[2 * index : 2 * index + 2]
        for n, said in self._said.items():
            theirs = said.sender in people or (said.kind == "iq" and said.to in people)
            if theirs:
                self.may_be_lost.add(n)
        self.towns[index].die(noticed)
        self.towns[index] = self._build(index)

    def _stop(self, which: int) -> None:
        """A server is stopped in order, and started again."""
        self.towns[which % 3].remotes.close()
        self._die(which, 0)

    def _dns(self, domain: int, how: Any) -> None:
        name = [each for house in HOUSES for each in house][domain % 6]
        self.web.dns[name] = NOT_FOUND if how == "fails" else how

    def _road(self, which: int, how: Any) -> None:
        self.web.ways[f"host{which % 3}"] = UNREACHABLE if how == "fails" else how

    def _hear(self, which: int, hears: bool) -> None:
        self.towns[which % 3].hear(hears)

    def _keep(self, which: int, keeps: bool) -> None:
        guest = self._people[PEOPLE[2 * (which % 3) + 1]]
        assert isinstance(guest, Guest)
        guest.keep(keeps)

    def _deny(self, which: int, domain: int) -> None:
        """A server has to do with a domain no more, or again."""
        index = which % 3
        name = [each for house in HOUSES for each in house][domain % 6]
        if name not in HOUSES[index]:
            self._denied[index] ^= {name}
            self.towns[index].reload(**self._tables(index))

    # ------------------------------------------------------------------ lies

    def _lie(self, to: int) -> None:
        """The third server says something in another's name."""
        target = PEOPLE[to % 4]
        if self._rogue and domain_of(target) != self._rogue:
            self._evil += 1
            text = _SAID["message"].replace("{n}", str(self._evil)).replace("{pad}", "")
            self._liar.say(text, target, f"liar@{self._rogue}/x")

    def _force(self, how: int, to: int, name: int) -> None:
        """A stranger, who may show a certificate of verona.lit's, says that he is somebody else."""
        target, claimed = PEOPLE[to % 4], PEOPLE[name % 4]
        house = self._house_of(target)
        if self._house_of(claimed) == house:
            return
        self._evil += 1
        who = f"from='{claimed}' to='{target}'"
        text = _SAID["message"].replace("{n}", str(self._evil)).format(who=who, pad="")
        domain, local = domain_of(claimed), domain_of(target)
        key = "<db:result from='{0}' to='{1}'>5p0of</db:result>"
        proof = (
            "",
            key.format(domain, local),
            f"<bidi xmlns='{ns.BIDI}'/>" + key.format(domain, local),
            key.format("verona.lit", local),
        )[how % 4]
        hand = self.towns[house].called(*(["verona.lit"] if how % 2 else []))
        self._hands.append(hand)
        first = "verona.lit" if how % 4 == 3 else domain
        hand.wire.write((header(first, local) + proof).encode())
        hand.wire.write(text.encode())

    # ------------------------------------------------------------------ what has to be true

    def end(self) -> None:
        """Heal everything, let time go by, and look at what has become of it."""
        web = self.web
        web.dns.clear()
        web.ways.clear()
        for index, town in enumerate(self.towns):
            town.hear(True)
            if self._denied[index]:
                self._denied[index].clear()
                town.reload(**self._tables(index))
            self._keep(index, False)
        for hand in self._hands:
            wire: Any = hand.wire
            wire.cut()
        for _ in range(40):
            web.advance(5)
            self._listen()
        for town in self.towns:
            self._check_quiet(town)
        for somebody in self._people.values():
            somebody.check()
        for n, said in self._said.items():
            self._check_said(n, said)
        self._check_order()
        assert not self._errors, self._errors
        web.advance(1_200)
        for town in self.towns:
            self._check_end(town)
        late = Counter(self._waiting()) - self._timers
        assert not late, f"something waits for time: {dict(late)}"

    def _waiting(self) -> list[str]:
        return [getattr(c.func, "__qualname__", "sweep") for c in self.web.clock.getDelayedCalls()]

    def _check_quiet(self, town: LossyTown) -> None:
        remotes: Any = town.remotes
        assert (remotes.attempts.count, remotes.attempts.waiting) == (0, 0)
        assert not remotes.attempts._by
        living = {end.carried for end in town.ends()}
        assert set(remotes.connections) <= living
        assert set(remotes.by_place.values()) <= living
        attached = remotes.management._attached.values()
        assert set(attached) <= living
        for connection in remotes.connections:
            managed = connection.managed
            assert not connection.holding.active
            if managed is not None:
                assert not managed.outbox, f"{_numbers(managed.outbox)} are not acknowledged"
                assert managed.inbox.handled == managed.inbox.received
        for remote in remotes.known():
            for pair in remote.pairs.values():
                assert not pair.trying
                assert not pair.waiting
                assert not pair.questions
                assert not pair._visitors
                assert not pair._retrying
                assert pair.line is None or pair.line in living
                assert pair.outgoing is None or pair.outgoing in living

    def _check_end(self, town: LossyTown) -> None:
        remotes: Any = town.remotes
        assert not remotes.connections
        assert not remotes.management._lost
        assert not remotes.management._attached
        for remote in remotes.known():
            assert remote.idle, f"{remote.domain} can't be forgotten"

    def _check_said(self, n: int, said: Said) -> None:
        got = sum(1 for each in self.came[said.to] if each.number == n)
        told = [each.type for each in self.came[said.sender] if each.number == n]
        assert set(told) <= ({"result", "error"} if said.kind == "iq" else {"error"}), n
        free = n in self.may_be_lost
        again = n in self.again
        what = f"{n}, {said.kind} of {said.sender} to {said.to}: {got} times, then {told}"
        if said.kind == "iq":
            assert got <= 1, what
            assert told or free, what
            assert len(told) <= 1 or again, what
        else:
            assert got or told or free, what
            assert got <= 1 or again, what
            assert not (got and told) or again, what
            assert len(told) <= 1, what

    def _check_order(self) -> None:
        for jid, came in self.came.items():
            last: dict[str, int] = {}
            for each in came:
                assert each.number < EVIL, f"{jid} believes {each}"
                if each.type in ("error", "result"):
                    continue
                said = self._said[each.number]
                assert (each.kind, each.sender, jid) == said, f"{jid}: {each}"
                if each.number not in self.again:
                    before = last.get(each.sender, 0)
                    assert each.number > before, f"{jid}: {each.number} behind {before}"
                    last[each.sender] = each.number


def _in_peace(connection: ServerConnection) -> bool:
    """Whether both ends of a stream have closed it, and so know what the other has handled."""
    wire: Any = connection.wire
    peer = wire.other.carried
    return not wire.over and (peer.stream.closing or peer.stream.state is State.CLOSED)


def _numbers(outbox: Any) -> set[int]:
    return {int(n) for sent in outbox for n in _NUMBER.findall(sent.data)}


def perform(stage: Stage, steps: list[Step]) -> None:
    """Have a whole play played; nothing may go wrong unseen either."""
    with (
        logged("critical") as critical,
        patch.object(Router, "bounce", stage.bounce),
        patch("xmppd.core.s2s.backoff.STEPS", 1),  # no jitter
    ):
        for step in steps:
            stage.play(step)
        stage.end()
        del stage
        if perform.played % 100 == 99:  # type: ignore[attr-defined]
            gc.collect()
        perform.played += 1  # type: ignore[attr-defined]
    assert critical == []


perform.played = 0  # type: ignore[attr-defined]
