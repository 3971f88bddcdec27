"""Six people at the real component, who do what a play says with one node.

    stage = Stage(print)
    stage.begin()
    stage.play(Step("juliet/balcony", "create"))

After each step all that has come to anybody is held against the model
(`tests.support.pubsub_model`), and at the end of a play all that the service says of the node.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from tests.support import pubsub_view as view
from tests.support.people import C, item
from tests.support.pubsub import NS, OWNER, PUBSUB, Globe, P, Person, error, form
from tests.support.pubsub_model import Node
from tests.support.pubsub_values import Contacts, Event, Item, Refused, Told, account_of
from tests.support.server import DOMAIN
from tests.support.steps import Step

SESSIONS = (
    *("juliet/balcony", "romeo/street", "nurse/house", "tybalt/street", "mercutio/street"),
    *("benvolio/street", "juliet/garden", "romeo/orchard"),
)
ACCOUNTS = tuple(dict.fromkeys(map(account_of, SESSIONS)))
CONTACTS = {
    ("juliet", "romeo"): frozenset({"Lovers"}),
    ("juliet", "nurse"): frozenset({"House"}),
    ("romeo", "mercutio"): frozenset({"Friends", "House"}),
    ("romeo", "benvolio"): frozenset({"Friends"}),
    ("tybalt", "juliet"): frozenset({"House"}),
}
"""Who of whose contacts (first) sees his presence (second), and in which groups he has them."""

WHILE = 6.0
"""Seconds between two steps: so long that nobody asks too often for approval."""

BOUNDS = {"nodes": 0, "same_subscriptions": 1_000, "own_subscriptions": 100_000}
"""No play on a stage comes to them, however many have been before."""


class Stage:
    """The people, and a node of which none of them has heard. `note` is told of each step."""

    service = PUBSUB
    model: type[Node] = Node

    def __init__(self, note: Callable[[str], object], **policy: Any) -> None:
        self.note = note
        self.globe = Globe(**{**BOUNDS, **policy}).start()
        self.people: dict[str, Person] = {}
        self.there: dict[str, str] = {}
        """What each shows who is."""
        self.stored: list[tuple[str, Event]] = []
        """What waits for accounts of which nobody is there (XEP-0160)."""
        for session in SESSIONS:
            self._log_in(session)
        self.contacts = Contacts({})
        self._nodes = 0
        self._line = 0
        self.name = ""
        self.node = self.model(self.contacts, self.there)

    def _log_in(self, session: str) -> None:
        name, _, resource = session.partition("/")
        self.people[session] = self.globe.person(name, resource)

    def _somebody(self, account: str) -> Person:
        return next(self.people[each] for each in self.people if account_of(each) == account)

    def begin(self) -> None:
        """Take another node, when all are there again and know each other as in the beginning."""
        if self.node.exists:
            self.people[self._who("owner")].client.send(self._delete())
            self._came()
        for session in SESSIONS:
            if self.there.get(session) != "online":
                self.people[session].client.send(self._show(session, "online"))
        for session in self.node.sharing:
            self.people[session].client.send(self._withhold(session))
        self.there = dict.fromkeys(SESSIONS, "online")
        wanted = Contacts(CONTACTS)
        for owner, contact in sorted(
            {*wanted.groups, *self.contacts.groups, *self.contacts.seeing}
        ):
            self._acquaint(owner, contact, wanted)
        self.contacts = wanted
        self.stored = []
        self._came()
        self._name()
        self.node = self.model(self.contacts, self.there)

    def _name(self) -> None:
        """Have a node that is not there."""
        self._nodes += 1
        self.name = f"play{self._nodes}"

    def _acquaint(self, owner: str, contact: str, wanted: Contacts) -> None:
        """Have an owner and a contact know each other as is wanted."""
        client, before = self._somebody(owner).client, self.contacts
        sees, groups = wanted.sees(contact, owner), wanted.groups.get((owner, contact))
        if sees != before.sees(contact, owner):
            client.send(self._meet(owner, contact) if sees else self._part(owner, contact))
        if groups != before.groups.get((owner, contact)):
            client.send(self._group(owner, contact, tuple(groups or ())))

    # ------------------------------------------------------------------ a step

    def play(self, step: Step) -> None:
        """Have a step done by the component and by the model, and compare."""
        self.node.told = Told()
        self.globe.pass_time(WHILE)
        step = self._whole(step)
        self.note(f"    {step}")
        self._line += 1
        answer, came = self._send(step.who, getattr(self, f"_{step.does}")(*step.what, **step.how))
        outcome = (
            "" if answer is None or answer.get("type") == "result" else " ".join(error(answer))
        )
        allowed = self._modelled(step, answer)
        assert outcome in (allowed or {""}), f"{outcome or 'done'}, where {set(allowed) or 'done'}"
        told = {session: self._read(stanzas) for session, stanzas in came.items()}
        for session, stanzas in came.items():
            for each in stanzas:
                reply = self._reply(step, session) if view.publication(each) else ""
                assert view.reply(each) == reply, f"{session} was told of {view.reply(each)!r}"
        if step.does == "show":
            self.node.told.may += self.stored
        view.compare(self.node.told, told, self.there)
        letters = [*self.node.told.letters, *self.node.told.may]
        here = {account_of(session) for session in self.there}
        self.stored = [each for each in (*self.stored, *letters) if account_of(each[0]) not in here]

    def _send(self, who: str, sends: str) -> tuple[Element | None, dict[str, list[Element]]]:
        """The answer to what somebody sends, and what has come besides, by session."""
        if sends:
            self.people[who].client.send(sends)
        came = self._came()
        asked = sends.startswith("<iq")
        said = came.get(who, [])
        answers = [each for each in said if each.tag == f"{C}iq" or each.get("type") == "error"]
        assert asked <= len(answers) <= 1, f"{len(answers)} answers"
        for each in answers:
            came[who].remove(each)
        return (answers[0] if answers else None), came

    def _came(self) -> dict[str, list[Element]]:
        """What has come to each, but for presence and rosters."""
        self.globe.pump()
        return {
            each: [one for one in person.client.elements() if not view.aside(one)]
            for each, person in self.people.items()
        }

    def _read(self, stanzas: list[Element]) -> list[Event]:
        return [view.event(each, self.service, self.name) for each in stanzas]

    def _reply(self, step: Step, session: str) -> str:
        """Where replies to what is published go, as somebody is told it; "" for nowhere."""
        return ""

    def _modelled(self, step: Step, answer: Element | None) -> frozenset[str]:
        """Have the model do it; the conditions by one of which it is refused, or none."""
        try:
            self._done(step, answer)
        except Refused as refused:
            told = self.node.told
            assert not told.must and not told.letters
            return refused.conditions
        return frozenset()

    def _done(self, step: Step, answer: Element | None) -> None:
        """What the service chooses, such as ids, the model takes over from its answer."""
        who, what = step.who, step.what
        if step.does == "publish":
            self.node.publish(who, self._published(who, *what, answer))
        elif step.does == "subscribe":
            found = None if answer is None else answer.find(f"{P}pubsub/{P}subscription")
            said = {} if found is None else dict(found.attrib)
            state = self.node.subscribe(who, what[0], said.get("subid", ""), **step.how)
            if said:
                assert said["subscription"] == state
                assert (said["node"], view.short(said["jid"])) == (self.name, what[0])
                subids = [each.subid for each in self.node.subscriptions if each.jid == what[0]]
                assert said["subid"] in subids, "§6.1.6"
        elif step.does == "retrieve":
            expected = self.node.items_for(who)
            if answer is not None and answer.get("type") == "result":
                assert view.items(answer) == expected, f"{view.items(answer)} is not {expected}"
        else:
            getattr(self.node, step.does)(who, *what, **step.how)

    def _published(self, who: str, id_: str, payload: bool, answer: Element | None) -> Item | None:
        if id_ == "none":
            return None
        if not id_ and answer is not None:
            told = answer.find(f"{P}pubsub/{P}publish/{P}item")
            id_ = "" if told is None else told.get("id", "")
            assert id_ or answer.get("type") == "error", "§7.1.2: the answer has the id"
        return Item(id_, account_of(who), self._text if payload else None)

    # ------------------------------------------------------------------ who, and what exactly

    def _whole(self, step: Step) -> Step:
        """A step with what it leaves open: who it is, and of which subscription he speaks."""
        who, what = self._who(step.who) if step.who else "", step.what
        if step.does in ("subscribe", "unsubscribe", "options", "approve", "resubscribe"):
            what = (self._jid(who, what[0]), *what[1:])
        if step.does in ("unsubscribe", "options"):
            what = (what[0], self._subid(what[0], what[1]))
        if what and what[0] == "subscriber":
            found = [account_of(each.jid) for each in self.node.subscriptions]
            what = (found[0] if found else ACCOUNTS[1], *what[1:])
        if step.does in ("meet", "part", "group"):
            others = [each for each in ACCOUNTS if each != account_of(who)]
            what = (account_of(who), what[0] if what[0] in others else others[0], *what[1:])
        if step.does == "show":
            what = (who, *what)
        if step.does in ("share", "withhold"):
            what = (who,)
        if step.does == "retract" and what[0] == "last":
            what = (self.node.last.id if self.node.last else "1", *what[1:])
        if step.does == "resubscribe":
            what = (what[0], what[1], self._subid(what[0], what[2]) or "none")
        return Step(who, step.does, *what, **step.how)

    def _who(self, who: str) -> str:
        """A session, where it is not said which: of somebody of some rank, or a subscriber's.

        Or of whoever has published the last item ("author"), one that is there if there is any.
        """
        if who in SESSIONS:
            return who
        if who == "author":
            author = self.node.last.publisher if self.node.last else ""
            found = [each for each in SESSIONS if account_of(each) == author]
            return next((each for each in found if each in self.there), SESSIONS[0])
        if who == "subscriber":
            accounts = [account_of(each.jid) for each in self.node.subscriptions]
        else:
            accounts = [each for each in ACCOUNTS if self.node.rank(each) == who]
        return next((each for each in SESSIONS if account_of(each) in accounts[-1:]), SESSIONS[0])

    def _jid(self, who: str, jid: str) -> str:
        """A JID: one's own, "bare", "full" or "subscribed", a subscription's by number, or so."""
        if jid == "subscribed":
            jid = next((each.jid for each in self.node.of(account_of(who))), "bare")
        if jid in ("bare", "full"):
            return account_of(who) if jid == "bare" else who
        if jid.isdecimal():
            found = self.node.subscriptions
            return found[int(jid) % len(found)].jid if found else "romeo"
        return jid

    def _subid(self, jid: str, subid: str) -> str:
        """The id of a subscription of a JID, by number; or as it is."""
        found = [each.subid for each in self.node.subscriptions if each.jid == jid]
        if not subid.isdecimal():
            return subid
        return found[int(subid) % len(found)] if found else ""

    # ------------------------------------------------------------------ how it is said

    @property
    def _text(self) -> str:
        return f"line {self._line}"

    def _iq(self, payload: str, type_: str = "set", *, owner: bool = False) -> str:
        namespace = f"{NS}#owner" if owner else NS
        return (
            f"<iq type='{type_}' id='q{self._line}' to='{self.service}'>"
            f"<pubsub xmlns='{namespace}'>{payload}</pubsub></iq>"
        )

    def _create(self, **settings: Any) -> str:
        inner = f"<configure>{form('node_config', **_fields(settings))}</configure>"
        return self._iq(f"<create node='{self.name}'/>{inner if settings else ''}")

    def _configure(self, **changes: Any) -> str:
        inner = form("node_config", **_fields(changes))
        return self._iq(f"<configure node='{self.name}'>{inner}</configure>", owner=True)

    def _delete(self) -> str:
        return self._iq(f"<delete node='{self.name}'/>", owner=True)

    def _purge(self) -> str:
        return self._iq(f"<purge node='{self.name}'/>", owner=True)

    def _subscribe(self, jid: str, **options: Any) -> str:
        behind = f"<options>{_options(**options)}</options>" if options else ""
        return self._iq(f"<subscribe node='{self.name}' jid='{_address(jid)}'/>{behind}")

    def _options(self, jid: str, subid: str, **options: Any) -> str:
        more = f" subid={quoteattr(subid)}" if subid else ""
        attrs = f"node='{self.name}' jid='{_address(jid)}'{more}"
        return self._iq(f"<options {attrs}>{_options(**options)}</options>")

    def _unsubscribe(self, jid: str, subid: str) -> str:
        more = f" subid={quoteattr(subid)}" if subid else ""
        return self._iq(f"<unsubscribe node='{self.name}' jid='{_address(jid)}'{more}/>")

    def _publish(self, id_: str, payload: bool) -> str:
        inside = f"<act xmlns='{view.PLAY}'>{self._text}</act>" if payload else ""
        named = f" id='{id_}'" if id_ else ""
        told = "" if id_ == "none" else f"<item{named}>{inside}</item>"
        return self._iq(f"<publish node='{self.name}'>{told}</publish>")

    def _retract(self, id_: str, notify: bool) -> str:
        more = " notify='true'" if notify else ""
        return self._iq(f"<retract node='{self.name}'{more}><item id='{id_}'/></retract>")

    def _retrieve(self) -> str:
        return self._iq(f"<items node='{self.name}'/>", "get")

    def _affiliate(self, account: str, rank: str) -> str:
        inner = f"<affiliation jid='{account}@{DOMAIN}' affiliation='{rank}'/>"
        return self._iq(f"<affiliations node='{self.name}'>{inner}</affiliations>", owner=True)

    def _resubscribe(self, jid: str, state: str, subid: str) -> str:
        attrs = f"jid='{_address(jid)}' subscription='{state}' subid={quoteattr(subid)}"
        inner = f"<subscription {attrs}/>"
        return self._iq(f"<subscriptions node='{self.name}'>{inner}</subscriptions>", owner=True)

    def _approve(self, jid: str, allow: bool) -> str:
        said = {"node": self.name, "subscriber_jid": _address(jid), "allow": str(int(allow))}
        inner = form("subscribe_authorization", **said)
        return f"<message id='a{self._line}' to='{self.service}'>{inner}</message>"

    def _show(self, session: str, show: str) -> str:
        if show == "unavailable":
            return "<presence type='unavailable'/>"
        more = "" if show == "online" else f"<show>{show}</show>"
        return f"<presence>{more}{self.caps(session)}</presence>"

    def _share(self, session: str) -> str:
        return f"<presence to='juliet@{DOMAIN}'/>" if session in self.there else ""

    def _withhold(self, session: str) -> str:
        return f"<presence to='juliet@{DOMAIN}' type='unavailable'/>"

    def caps(self, session: str) -> str:
        """What a session says of its client (XEP-0115)."""
        return ""

    def _meet(self, owner: str, contact: str) -> str:
        asks = f"<presence type='subscribe' to='{owner}@{DOMAIN}'/>"
        self._somebody(contact).client.send(asks)
        return f"<presence type='subscribed' to='{contact}@{DOMAIN}'/>"

    def _part(self, owner: str, contact: str) -> str:
        return f"<presence type='unsubscribed' to='{contact}@{DOMAIN}'/>"

    def _group(self, owner: str, contact: str, groups: tuple[str, ...]) -> str:
        query = item(f"{contact}@{DOMAIN}", groups=groups)
        return f"<iq type='set' id='q{self._line}'>{query}</iq>"

    def _again(self) -> str:
        """Another process of the component takes over what the one has left.

        It takes a while until it has looked who has left meanwhile.
        """
        self.globe.again().pass_time(120)
        return ""

    # ------------------------------------------------------------------ in the end

    def check(self) -> None:
        """What an owner, and everybody, is told of the node is what the model has."""
        if not self.node.exists:
            return
        owner = next(each for each in SESSIONS if self.node.rank(account_of(each)) == "owner")
        ranks = self._listed(owner, "affiliations", owner=True)
        assert ranks == {
            (jid, rank) for jid, rank in self.node.affiliations.items() if rank != "none"
        }
        for who in SESSIONS:
            account = account_of(who)
            rank = self.node.rank(account)
            known = {(self.name, rank)} if rank != "none" else set()
            assert self._listed(who, "affiliations") == known, f"§5.7: {account}"
            found = {(each.jid, each.state, each.subid) for each in self.node.of(account)}
            assert self._listed(who, "subscriptions") == found, f"§5.6: {account}"
        found = {(e.jid, e.state, e.subid) for e in self.node.subscriptions if e.state != "pending"}
        assert self._listed(owner, "subscriptions", owner=True) == found, "§8.8.1"
        for who in SESSIONS:
            self.play(Step(who, "retrieve"))

    def _listed(self, who: str, kind: str, *, owner: bool = False) -> set[tuple[str, ...]]:
        self._line += 1
        sends = self._iq(f"<{kind} node='{self.name}'/>", "get", owner=owner)
        answer, _ = self._send(who, sends)
        assert answer is not None and answer.get("type") == "result", answer and error(answer)
        space = OWNER if owner else P
        found = answer.findall(f"{space}pubsub/{space}{kind}/{space}{kind[:-1]}")
        if kind == "subscriptions":
            keys = ("jid", "subscription", "subid")
        else:
            keys = ("jid", "affiliation") if owner else ("node", "affiliation")
        listed = [tuple(view.short(each.get(key, "")) for key in keys) for each in found]
        assert len(set(listed)) == len(listed)
        return set(listed)


def _address(jid: str) -> str:
    account, slash, resource = jid.partition("/")
    return f"{account}@{DOMAIN}{slash}{resource}"


def _options(**options: Any) -> str:
    fields = _fields({name.replace("shows", "show-values"): v for name, v in options.items()})
    return form("subscribe_options", **fields)


def _fields(settings: dict[str, Any]) -> dict[str, Any]:
    """Fields of the configuration form (§17.4.4)."""

    def written(value: Any) -> Any:
        if isinstance(value, tuple):
            return list(value)
        return str(int(value)) if isinstance(value, bool) else str(value)

    return {name: written(value) for name, value in settings.items()}
