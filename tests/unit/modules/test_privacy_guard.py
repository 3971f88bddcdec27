"""Nothing gets around a privacy list (XEP-0016 §2.2, §2.13, §2.14; XEP-0191 §3.3).

Every kind of stanza, by every way in and out, by every way to name who is blocked: nothing of his
arrives, nothing goes out to him, and somebody else notices no difference.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.people import JULIET, put, roster, told
from tests.support.privacy import block, do, named, put_list, rule
from tests.support.server import DOMAIN, Client, Verona, condition
from tests.support.sessions import read
from xmppd import ns
from xmppd.core import privacy_lists
from xmppd.core.presence import SLICE
from xmppd.core.privacy import PrivacyList
from xmppd.core.sessions import Session
from xmppd.jid import JID
from xmppd.storage.rosters import RosterItem
from xmppd.subscription import BOTH, FROM, LISTED
from xmppd.wire.stanza import Stanza

TYBALT, PARIS = "tybalt@mantua.lit/sword", "paris@pisa.lit/ring"
"""Who is blocked, and somebody else."""

NAMED = {
    "bare JID": {"jid": "tybalt@mantua.lit"},
    "other case": {"jid": "TYBALT@Mantua.LIT"},
    "full JID": {"jid": TYBALT},
    "domain": {"jid": "mantua.lit"},
    "group": {"group": "Enemies"},
    "subscription": {"subscription": "from"},
}
BODY = "<body>Thou art a villain</body>"
MESSAGES = ["", "chat", "normal", "headline", "groupchat", "error"]
PRESENCES = [
    "",
    "unavailable",
    "subscribe",
    "subscribed",
    "unsubscribe",
    "unsubscribed",
    "probe",
    "error",
]
STANZAS = [
    *(("message", kind, BODY) for kind in MESSAGES),
    *(("presence", kind, "") for kind in PRESENCES),
    ("iq", "get", f"<query xmlns='{ns.VERSION}'/>"),
    ("iq", "get", f"<query xmlns='{ns.DISCO_ITEMS}'/>"),
    ("iq", "get", f"<query xmlns='{ns.LAST}'/>"),
    ("iq", "set", "<x xmlns='urn:example:x'/>"),
    ("iq", "result", ""),
    ("iq", "error", ""),
]
TO = [JULIET, f"{JULIET}/balcony", f"{JULIET}/gone", "JULIET@Capulet.LIT/balcony"]


class Stage:
    """Juliet's server and who is elsewhere; `blocks` says how she names whom she blocks."""

    def __init__(self, blocks: dict[str, str] | None, via: str = "default") -> None:
        self.server = Verona()
        self.received: list[Stanza] = []
        for domain in ("mantua.lit", "pisa.lit"):
            self.server.host.router.routes[domain] = self.received.append
        self._contact("tybalt@mantua.lit", FROM, "Enemies")
        self._contact("paris@pisa.lit", BOTH, "Suitors")
        self.juliet = self.server.log_in("juliet", "balcony")
        if blocks is not None:
            put_list(self.juliet, "public", rule(1, **blocks), apply=via)

    def _contact(self, jid: str, state: int, group: str) -> None:
        resident = self.server.resident(JULIET)
        version = resident.roster.version + 1
        item = RosterItem(JID.parse(jid), state | LISTED, groups=(group,), version=version)
        self.server.done(self.server.host.stores.rosters.change(resident.id, 0, item))
        resident.roster.put(item)

    def send(self, sender: str, to: str, kind: str, type_: str, inner: str) -> None:
        """A stanza comes from elsewhere."""
        stanza = read(_text(kind, type_, inner))
        stanza.sender, stanza.to = JID.parse(sender), JID.parse(to)
        self.server.host.router.route(stanza)

    def sent_to(self, address: str) -> list[Stanza]:
        """What has gone out to the domain of an address since."""
        domain = JID.parse(address).domain
        found = [stanza for stanza in self.received if stanza.to and stanza.to.domain == domain]
        self.received[:] = [stanza for stanza in self.received if stanza not in found]
        return found

    def everything_about(self, address: str) -> list[tuple[str, ...]]:
        """What juliet's clients are told from an address, now and when she comes back."""
        seen = told(self.juliet) if not self.juliet.closed else []
        again = self.server.log_in("juliet", "later")
        again.send("<presence/>")
        seen += told(again)
        domain = JID.parse(address).domain
        return [each for each in seen if domain in each[-1]]


def _text(kind: str, type_: str, inner: str, to: str = "") -> str:
    attrs = (f" type='{type_}'" if type_ else "") + (f" to='{to}'" if to else "")
    return f"<{kind} id='s1'{attrs}>{inner}</{kind}>"


def available(stage: Stage) -> None:
    stage.juliet.send("<presence/>")


def unreachable(stage: Stage) -> None:
    stage.juliet.send("<presence><priority>-1</priority></presence>")


def unavailable(stage: Stage) -> None:
    """A session that has sent no presence."""


def in_memory(stage: Stage) -> None:
    stage.juliet.hang_up()


def not_in_memory(stage: Stage) -> None:
    stage.juliet.hang_up()
    stage.server.host.residents.forget(JID.parse(JULIET))


WAYS = [available, unreachable, unavailable, in_memory, not_in_memory]
Way = Callable[[Stage], None]


def fate(stage: Stage, sender: str, to: str, kind: str, type_: str, inner: str) -> list[object]:
    """What comes of a stanza: what juliet is told, what its sender, and how they are related."""
    stage.send(sender, to, kind, type_, inner)
    seen = told(stage.juliet) if not stage.juliet.closed else []
    answers = [(a.kind, a.type, condition(a.element)) for a in stage.sent_to(sender)]
    state = stage.server.resident(JULIET).roster.state(JID.parse(sender).bare)
    return [seen, answers, state]


def fates(blocks: dict[str, str] | None, way: Way, sender: str) -> dict[object, object]:
    """What comes of every stanza to every address, and what juliet is told when she comes back."""
    stage = Stage(blocks)
    way(stage)
    if not stage.juliet.closed:
        stage.juliet.take()
    stage.sent_to(sender)
    found: dict[object, object] = {}
    for to in TO:
        for kind, type_, inner in STANZAS:
            if way is not_in_memory:
                stage.server.host.residents.forget(JID.parse(JULIET))
            found[to, kind, type_, inner] = fate(stage, sender, to, kind, type_, inner)
    found["later"] = stage.everything_about(sender)
    return found


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("named", NAMED)
def test_2_13_2_14_nothing_of_who_is_blocked_arrives(named: str, way: Way) -> None:
    found = fates(NAMED[named], way, TYBALT)
    assert found.pop("later") == []
    for (_, kind, type_, _), what in found.items():
        error = [(kind, "error", "service-unavailable")]
        answered = kind == "message" and type_ not in ("error", "headline")
        answered |= type_ in ("get", "set")
        assert what == [[], error if answered else [], FROM | LISTED], (kind, type_)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_somebody_else_sends_fares_as_if_there_were_no_list(way: Way) -> None:
    assert fates(NAMED["domain"], way, PARIS) == fates(None, way, PARIS)


@pytest.mark.parametrize("text", ["headline", "normal", "chat state"])
def test_2_14_who_is_blocked_can_not_tell_whether_the_user_is_there(text: str) -> None:
    """He "will appear offline": what vanishes for who is offline does so for who blocks."""
    type_, inner = {
        "headline": ("headline", BODY),
        "normal": ("normal", BODY),
        "chat state": ("chat", f"<composing xmlns='{ns.CHAT_STATES}'/>"),
    }[text]
    for to in (JULIET, f"{JULIET}/balcony"):
        answers = []
        for way in (available, unavailable, in_memory, not_in_memory):
            stage = Stage(NAMED["domain"])
            way(stage)
            stage.received.clear()
            answers.append(fate(stage, TYBALT, to, "message", type_, inner)[1])
        expected = [("message", "error", "service-unavailable")] if text == "normal" else []
        assert answers == [expected] * 4


def test_the_stage_is_one_on_which_things_arrive() -> None:
    """Else the tests above would show nothing."""
    for sender in (TYBALT, PARIS):
        found = fates(None, available, sender)
        to = f"{JULIET}/balcony"
        for kind, type_, inner in STANZAS:
            if (kind, type_) in (("message", "chat"), ("presence", ""), ("iq", "set")):
                assert found[to, kind, type_, inner][0], (sender, kind)
        assert any(
            each[:2] == ("message", "chat") for each in fates(None, in_memory, sender)["later"]
        )
        absent = fates(None, not_in_memory, sender)
        assert absent[JULIET, "presence", "probe", ""][1]
        assert absent[JULIET, "presence", "unsubscribe", ""][2] != FROM | LISTED


# ---------------------------------------------------------------- out


@pytest.mark.parametrize("via", ["default", "active"])
@pytest.mark.parametrize("named", NAMED)
def test_2_14_nothing_goes_out_to_who_is_blocked(named: str, via: str) -> None:
    stage = Stage(NAMED[named], via)
    available(stage)
    stage.received.clear()
    stage.juliet.take()
    state = stage.server.resident(JULIET).roster.state("tybalt@mantua.lit")
    for kind, type_, inner in STANZAS:
        stage.juliet.send(_text(kind, type_, inner, to=TYBALT))
        assert stage.received == []
        answers = stage.juliet.elements()
        if type_ == "error" or (kind, type_) == ("iq", "result"):
            assert answers == [], "an error answers nothing like it"
            continue
        (answer,) = answers
        assert (condition(answer), answer.get("from")) == ("not-acceptable", TYBALT)
        assert answer.find("{*}error").get("type") == "cancel"
        by_jid = "jid" in NAMED[named]
        assert (answer.find(f"{{*}}error/{{{ns.BLOCKING_ERRORS}}}blocked") is not None) == by_jid
    assert stage.server.resident(JULIET).roster.state("tybalt@mantua.lit") == state


@pytest.mark.parametrize("named", [n for n in NAMED if n != "full JID"])
def test_2_11_what_the_server_says_of_presence_goes_to_everybody_else_only(named: str) -> None:
    stage = Stage(NAMED[named])
    for presence in ("<presence/>", "<presence><show>away</show></presence>"):
        stage.juliet.send(presence)
        assert stage.sent_to(TYBALT) == []
        assert stage.sent_to(PARIS)
    stage.juliet.send("<presence type='unavailable'/>")
    assert stage.sent_to(TYBALT) == []
    assert stage.sent_to(PARIS)
    stage.juliet.send("<presence/>").hang_up()
    assert stage.sent_to(TYBALT) == []


def test_2_11_who_is_blocked_among_many_is_not_told_that_the_last_session_is_gone() -> None:
    """Contacts are told in slices; the last of them when nothing is left of the session."""
    server = Verona()
    said: list[Stanza] = []
    server.host.router.routes["mantua.lit"] = said.append
    juliet = server.log_in("juliet", "balcony")
    assert not do(juliet, block("tybalt@mantua.lit"))
    for number in range(SLICE + 50):
        put(server, JULIET, f"servant{number}@mantua.lit")
    put(server, JULIET, "tybalt@mantua.lit")
    juliet.send("<presence/>")
    juliet.hang_up()
    for _ in range(5):
        server.clock.advance(0)
    told_of = [str(s.to) for s in said if s.type == "unavailable"]
    assert len(told_of) == SLICE + 50
    assert not [s for s in said if s.to == "tybalt@mantua.lit"]


@pytest.mark.parametrize("contact", ["tybalt@mantua.lit", "paris@pisa.lit"])
def test_2_13_the_end_of_a_subscription_is_not_told_to_who_is_blocked(contact: str) -> None:
    stage = Stage(NAMED["domain"])
    stage.juliet.send("<presence/>")
    stage.received.clear()
    removal = f"<query xmlns='{ns.ROSTER}'><item jid='{contact}' subscription='remove'/></query>"
    assert not do(stage.juliet, removal)
    assert bool(stage.sent_to(contact)) == (contact != "tybalt@mantua.lit")


def test_2_13_nobody_whom_a_user_blocks_is_asked_for_his_presence() -> None:
    stage = Stage({"subscription": "both"})
    stage.juliet.send("<presence/>")
    assert stage.sent_to(PARIS) == []


def test_a_grant_in_advance_is_not_told_to_who_is_blocked() -> None:
    stage = Stage({"jid": "mantua.lit"})
    stage.send("romeo@mantua.lit", JULIET, "presence", "subscribe", "")
    stage.juliet.hang_up()
    stage.send("romeo@mantua.lit", JULIET, "presence", "subscribe", "")
    assert stage.sent_to(TYBALT) == []


# ---------------------------------------------------------------- each kind by itself

ONE_KIND = {
    "message": ("message", "chat", BODY),
    "iq": ("iq", "get", f"<query xmlns='{ns.VERSION}'/>"),
    "presence-in": ("presence", "", ""),
}


@pytest.mark.parametrize("denied", [*ONE_KIND, "presence-out"])
def test_2_9_to_2_12_a_rule_for_one_kind_stops_that_kind_only(denied: str) -> None:
    stage = Stage(None)
    put_list(stage.juliet, "public", rule(1, "deny", denied, jid="mantua.lit"), apply="default")
    stage.juliet.send("<presence/>")
    assert bool(stage.sent_to(TYBALT)) == (denied != "presence-out")
    stage.juliet.take()
    for kind, stanza in ONE_KIND.items():
        stage.send(TYBALT, f"{JULIET}/balcony", *stanza)
        assert bool(told(stage.juliet)) == (kind != denied), kind
    stage.sent_to(TYBALT)
    stage.juliet.send(_text("message", "chat", BODY, to=TYBALT))
    stage.juliet.send(_text("iq", "set", "<x xmlns='urn:example:x'/>", to=TYBALT))
    assert [s.kind for s in stage.sent_to(TYBALT)] == ["message", "iq"], "outgoing ones pass"
    stage.juliet.send(_text("presence", "", "", to=TYBALT))
    assert bool(stage.sent_to(TYBALT)) == (denied != "presence-out"), "directed presence"
    stage.send("tybalt@mantua.lit", JULIET, "presence", "unsubscribe", "")
    assert ("unsubscribe", "tybalt@mantua.lit") in told(stage.juliet), "subscriptions pass"


# ---------------------------------------------------------------- which list applies


def two(default: str, active: str) -> tuple[Stage, Client]:
    """A stage with a default list for one session, and an active one for another, `garden`."""
    stage = Stage(None)
    put_list(stage.juliet, "public", rule(1, default, jid="mantua.lit"), apply="default")
    garden = stage.server.log_in("juliet", "garden")
    put_list(garden, "private", rule(1, active, jid="mantua.lit"), apply="active")
    for client in (stage.juliet, garden):
        client.send("<presence/>")
    stage.juliet.take(), garden.take()
    stage.received.clear()
    return stage, garden


@pytest.mark.parametrize(
    ("kind", "type_", "inner"), [s for s in STANZAS if s[1] in ("", "chat", "unsubscribe")]
)
@pytest.mark.parametrize(("default", "active"), [("deny", "allow"), ("allow", "deny")])
def test_2_2_rules_1_and_2_each_session_has_its_own_list(
    default: str, active: str, kind: str, type_: str, inner: str
) -> None:
    stage, garden = two(default, active)
    stage.send("tybalt@mantua.lit", JULIET, kind, type_, inner)
    got = [[t for t in told(c) if "mantua.lit" in t[-1]] for c in (stage.juliet, garden)]
    assert [bool(each) for each in got] == [default == "allow", active == "allow"]
    assert [s for s in stage.sent_to(TYBALT) if s.type == "error"] == [], "one of them has it"


@pytest.mark.parametrize(("default", "active"), [("deny", "allow"), ("allow", "deny")])
def test_2_2_rule_1_a_full_jid_is_asked_for_its_own(default: str, active: str) -> None:
    stage, garden = two(default, active)
    for client, action in ((stage.juliet, default), (garden, active)):
        stage.send(TYBALT, str(client.jid), "message", "chat", BODY)
        assert bool(told(client)) == (action == "allow")
        assert bool(stage.sent_to(TYBALT)) == (action == "deny")


def test_2_2_rule_1_presence_of_each_session_goes_by_its_own() -> None:
    stage, garden = two("deny", "allow")
    stage.juliet.send("<presence><show>dnd</show></presence>")
    garden.send("<presence><show>xa</show></presence>")
    assert [str(s.sender) for s in stage.sent_to(TYBALT)] == [str(garden.jid)]
    stage.send("tybalt@mantua.lit", JULIET, "presence", "probe", "")
    assert [str(s.sender) for s in stage.sent_to(TYBALT)] == [str(garden.jid)]


def test_2_1_note_no_list_comes_between_a_user_and_himself_or_his_server() -> None:
    stage = Stage(None)
    other = stage.server.log_in("juliet", "garden")
    put_list(stage.juliet, "nobody", rule(1, "deny"), apply="default")
    stage.juliet.send("<presence/>")
    other.send("<presence/>")
    stage.juliet.take(), other.take()
    stage.juliet.send(_text("message", "chat", BODY, to=f"{JULIET}/garden"))
    assert told(other) == [("message", "chat", f"{JULIET}/balcony")]
    stage.juliet.send("<presence><show>dnd</show></presence>")
    assert told(other) == [("available", f"{JULIET}/balcony")]
    ping = f"<ping xmlns='{ns.PING}'/>"
    assert [condition(other.ask(ping, to=to)) for to in (None, JULIET, DOMAIN)] == ["", "", ""]
    assert roster(other)
    stage.juliet.take()
    stage.juliet.send(_text("message", "chat", BODY, to=f"romeo@{DOMAIN}"))
    assert condition(stage.juliet.one()) == "not-acceptable", "his neighbours are others"


# ---------------------------------------------------------------- ways round


def test_what_was_kept_before_a_block_is_not_delivered_after_it() -> None:
    stage = Stage(None)
    stage.send(TYBALT, JULIET, "message", "chat", BODY)
    stage.send("tybalt@mantua.lit", JULIET, "message", "normal", BODY)
    stage.send(PARIS, JULIET, "message", "chat", BODY)
    stage.send("capulet@mantua.lit", JULIET, "presence", "subscribe", "")
    assert not do(stage.juliet, block("mantua.lit"))
    stage.juliet.send("<presence/>")
    assert [e for e in told(stage.juliet) if e[0] in ("message", "subscribe")] == [
        ("message", "chat", PARIS)
    ]


def test_no_copy_of_what_is_refused_goes_to_another_session() -> None:
    stage = Stage(None)
    garden = stage.server.log_in("juliet", "garden")
    assert not do(garden, f"<enable xmlns='{ns.CARBONS}'/>")
    for client in (stage.juliet, garden):
        client.send("<presence/>")
    put_list(stage.juliet, "private", rule(1, jid="mantua.lit"), apply="active")
    stage.juliet.take(), garden.take()
    stage.send(TYBALT, f"{JULIET}/balcony", "message", "chat", BODY)
    assert (told(stage.juliet), told(garden)) == ([], [])
    put_list(garden, "private", rule(1, jid="mantua.lit"), apply="active")
    assert not do(stage.juliet, "<query xmlns='jabber:iq:privacy'><active/></query>")
    garden.take()
    stage.send(TYBALT, f"{JULIET}/balcony", "message", "chat", BODY)
    assert told(stage.juliet) == [("message", "chat", TYBALT)]
    assert told(garden) == [], "nor to one that blocks him itself"


def test_a_block_holds_for_what_its_client_sends_right_behind_it() -> None:
    stage = Stage(None)
    text = _text("message", "chat", BODY, to=TYBALT)
    stage.juliet.send(f"<iq type='set' id='b1'>{block('mantua.lit')}</iq>{text}")
    assert stage.sent_to(TYBALT) == []


def test_a_user_of_this_server_gets_round_it_no_better() -> None:
    stage = Stage(None)
    romeo = stage.server.log_in("romeo", "orchard")
    romeo.send("<presence/>").take()
    put(stage.server, JULIET, f"romeo@{DOMAIN}")
    put(stage.server, f"romeo@{DOMAIN}", JULIET)
    assert not do(stage.juliet, block(f"romeo@{DOMAIN}"))
    stage.juliet.send("<presence/>").take()
    assert told(romeo) == []
    for kind, type_, inner in STANZAS:
        romeo.send(_text(kind, type_, inner, to=f"{JULIET}/balcony"))
        assert told(stage.juliet) == [], (kind, type_)
    romeo.take()
    back = stage.server.log_in("romeo", "street").send("<presence/>")
    assert ("available", f"{JULIET}/balcony") not in told(back), "a new session asks in vain"


# ---------------------------------------------------------------- who has no list


def test_while_no_list_applies_nothing_stands_in_the_data_path() -> None:
    """Only a list that applies to some session does; the chains of a delivery are empty."""

    def chains() -> list[object]:
        hooks = stage.server.host.hooks
        return [
            *(len(hooks.from_client[kind]) for kind in ("message", "presence", "iq")),
            *(len(hooks.to_account[kind]) for kind in ("message", "presence", "iq")),
            hooks.session_stanza.handlers,
            hooks.presence_out.handlers,
        ]

    stage = Stage(None)
    stage.juliet.send("<presence/>")
    without = chains()
    assert without[3:] == [0, 0, 1, (), ()], "last activity alone looks at IQs (XEP-0012 §4)"
    put_list(stage.juliet, "public", rule(1, jid="mantua.lit"))
    assert chains() == without, "a list that applies to nobody"
    assert not do(stage.juliet, named("active", "public"))
    opened = chains()
    assert opened[:6] == [number + 1 for number in without[:6]]
    assert [len(handlers) for handlers in opened[6:]] == [1, 1]
    assert not do(stage.juliet, named("active"))
    assert chains() == without
    assert not do(stage.juliet, named("default", "public"))
    assert chains() == opened
    garden = stage.server.log_in("juliet", "garden")
    stage.juliet.hang_up()
    assert chains() == opened
    garden.hang_up()
    assert chains() == without
    stage.send(PARIS, JULIET, "message", "chat", BODY)
    assert chains() == without, "an account without sessions is asked only where it is read"


def test_an_account_without_lists_is_asked_nothing_while_others_have_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One look at a set tells what is behind the gates who has none."""
    stage = Stage({"jid": "mantua.lit"})
    romeo = stage.server.log_in("romeo", "orchard").send("<presence/>")
    romeo.take()
    asked: list[JID] = []
    applied = privacy_lists.applied

    def counted(session: Session) -> PrivacyList | None:
        asked.append(session.account)
        return applied(session)

    monkeypatch.setattr(privacy_lists, "applied", counted)
    stage.send(TYBALT, f"romeo@{DOMAIN}/orchard", "message", "chat", BODY)
    stage.send(TYBALT, f"romeo@{DOMAIN}", "presence", "", "")
    romeo.send(_text("message", "chat", BODY, to=TYBALT))
    assert [each[0] for each in told(romeo)] == ["message", "available"]
    assert [s.kind for s in stage.sent_to(TYBALT)] == ["message"]
    assert asked == []
    stage.send(TYBALT, f"{JULIET}/balcony", "message", "chat", BODY)
    assert asked == [JULIET]
