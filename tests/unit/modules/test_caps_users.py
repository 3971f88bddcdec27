"""Entity Capabilities (XEP-0115) of users and contacts: passed on untouched, and learned."""

from __future__ import annotations

import pytest

from tests.support.capabilities import EXODUS, INFO, PSI, Kind, Stage, appear, asked, reply
from tests.support.components import table
from tests.support.people import friends, put
from tests.support.server import DOMAIN
from xmppd import ns
from xmppd.core import capabilities, sharers
from xmppd.core.delivery import TYPES
from xmppd.jid import JID
from xmppd.modules import caps
from xmppd.subscription import FROM, LISTED, NONE, TO
from xmppd.wire.stanza import Stanza

JULIET, NURSE = f"juliet@{DOMAIN}", f"nurse@{DOMAIN}"
BALTHASAR = "balthasar@mantua.lit/horse"


@pytest.fixture
def stage() -> Stage:
    return Stage()


# What passes through


@pytest.mark.parametrize(
    "c",
    [
        EXODUS.c,
        f"<c xmlns='{ns.CAPS}' node='http://old.lit' ver='0.9' ext='voice'/>",
        f"<c xmlns='{ns.CAPS}' hash='sha-1' node='http://x.lit' ver='&lt;&amp;'></c>",
    ],
)
def test_6_1_capabilities_reach_subscribers_as_they_were_sent(c: str, stage: Stage) -> None:
    friends(stage.server, JULIET, f"romeo@{DOMAIN}")
    romeo = appear(stage.log_in("romeo"), None)
    juliet = stage.log_in("juliet")
    romeo.take()
    juliet.send(f"<presence>{c}</presence>")
    assert c.encode() in romeo.take()
    late = appear(stage.log_in("romeo", resource="late"), None)
    assert c.encode() in late.take(), "and those who ask later (§6.1)"


def test_8_3_so_do_those_of_directed_presence(stage: Stage) -> None:
    juliet, romeo = stage.log_in("juliet"), stage.log_in("romeo")
    juliet.send(f"<presence to='{romeo.jid}'>{EXODUS.c}</presence>")
    assert EXODUS.c.encode() in romeo.take()


def test_8_4_the_server_answers_nobody_in_a_clients_name(stage: Stage) -> None:
    stage.learn(EXODUS)
    juliet, romeo = stage.log_in("juliet", EXODUS), stage.log_in("romeo")
    juliet.take()
    query = f"<query xmlns='{ns.DISCO_INFO}' node='{EXODUS.node}#{EXODUS.ver}'/>"
    romeo.send(f"<iq type='get' id='d1' to='{juliet.jid}'>{query}</iq>")
    assert romeo.take() == b""
    (request,) = asked(juliet)
    assert (request.get("from"), request.get("id")) == (romeo.jid, "d1")


def test_8_4_nothing_is_stripped_and_so_optimization_is_not_advertised(stage: Stage) -> None:
    friends(stage.server, JULIET, f"romeo@{DOMAIN}")
    romeo = appear(stage.log_in("romeo"), None)
    juliet = stage.log_in("juliet", EXODUS)
    romeo.take()
    appear(juliet, EXODUS)
    assert EXODUS.c.encode() in romeo.take(), "the second time, too"
    info = romeo.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to=DOMAIN).find(INFO)
    assert info is not None
    offered = [feature.get("var") for feature in info]
    assert ns.CAPS in offered
    assert f"{ns.CAPS}#optimize" not in offered


# Contacts elsewhere


class Elsewhere(Stage):
    """A server that mantua.lit can be reached from; `out` is what goes there."""

    def __init__(self, **tables: dict[str, object]) -> None:
        super().__init__(**tables)
        self.out: list[Stanza] = []
        self.detach = self.server.host.router.attach(self.out.append, "mantua.lit")
        for account in (JULIET, NURSE):
            put(self.server, account, JID.parse(BALTHASAR).bare)

    def come(
        self, type_: str = "", inner: str = "", to: str = JULIET, sender: str = BALTHASAR
    ) -> None:
        """Presence comes from there."""
        stanza = Stanza("presence", {"type": type_} if type_ else {}, None, inner.encode())
        stanza.sender, stanza.to = JID.parse(sender), JID.parse(to)
        self.server.host.router.route(stanza)

    @property
    def requests(self) -> list[Stanza]:
        return [stanza for stanza in self.out if stanza.type == "get"]

    def answer(self, kind: Kind) -> None:
        request = self.requests[-1]
        result = Stanza("iq", {"type": "result", "id": request.id}, None, kind.info.encode())
        result.sender, result.to = request.to, request.sender
        self.server.host.router.route(result)

    def of(self, jid: str = BALTHASAR) -> set[str] | None:
        known = self.server.host.capabilities.of(jid)
        return None if known is None else set(known.features)


@pytest.fixture
def elsewhere() -> Elsewhere:
    return Elsewhere()


@pytest.mark.parametrize("there", [True, False])
def test_a_contact_elsewhere_is_asked_in_the_name_of_who_sees_it(
    there: bool, elsewhere: Elsewhere
) -> None:
    """Also while that user is not there: he may have published something."""
    if there:
        appear(elsewhere.log_in("juliet"), None)
    elsewhere.out.clear()
    elsewhere.come(inner=EXODUS.c)
    (request,) = elsewhere.requests
    assert (request.sender, request.to) == (JULIET, BALTHASAR)
    elsewhere.answer(EXODUS)
    assert elsewhere.of() == set(EXODUS.features)
    assert [jid for jid, _ in elsewhere.told] == [BALTHASAR]


def test_what_a_contact_elsewhere_proved_holds_here_and_the_other_way_round(
    elsewhere: Elsewhere,
) -> None:
    elsewhere.come(inner=EXODUS.c)
    elsewhere.answer(EXODUS)
    assert elsewhere.features(elsewhere.log_in("romeo", EXODUS)) == set(EXODUS.features)
    elsewhere.learn(PSI)
    elsewhere.come(inner=PSI.c)
    assert elsewhere.of() == set(PSI.features)
    assert len(elsewhere.requests) == 1


def test_his_presence_is_passed_on_untouched(elsewhere: Elsewhere) -> None:
    juliet = appear(elsewhere.log_in("juliet"), None)
    juliet.take()
    elsewhere.come(inner=EXODUS.c)
    assert EXODUS.c.encode() in juliet.take()


@pytest.mark.parametrize("state", [NONE | LISTED, FROM | LISTED, TO | LISTED])
def test_strangers_are_not_asked(state: int, elsewhere: Elsewhere) -> None:
    put(elsewhere.server, JULIET, "apothecary@mantua.lit", state)
    for sender in ("apothecary@mantua.lit/shop", "sampson@mantua.lit/x"):
        elsewhere.come(inner=EXODUS.c, sender=sender)
    assert [str(r.to) for r in elsewhere.requests] == (
        [] if state == NONE | LISTED else ["apothecary@mantua.lit/shop"]
    )


def test_who_has_no_account_asks_nobody(elsewhere: Elsewhere) -> None:
    elsewhere.come(inner=EXODUS.c, to=f"nobody@{DOMAIN}")
    assert elsewhere.requests == []


@pytest.mark.parametrize("type_", sorted(TYPES["presence"] - {"", "unavailable"}))
def test_other_presence_names_nothing_and_takes_nothing_back(
    type_: str, elsewhere: Elsewhere
) -> None:
    elsewhere.come(inner=EXODUS.c)
    elsewhere.answer(EXODUS)
    elsewhere.come(type_, inner=PSI.c)
    assert len(elsewhere.requests) == 1
    assert elsewhere.of() == set(EXODUS.features)


def test_he_is_known_until_no_account_sees_him_any_more(elsewhere: Elsewhere) -> None:
    for to in (JULIET, NURSE, f"{NURSE}/r"):
        elsewhere.come(inner=EXODUS.c, to=to)
    elsewhere.answer(EXODUS)
    elsewhere.come("unavailable", to=JULIET)
    elsewhere.come("unavailable", to=JULIET)
    assert elsewhere.of() == set(EXODUS.features)
    elsewhere.come("unavailable", to=NURSE)
    assert elsewhere.of() is None


def test_8_4_presence_without_capabilities_changes_nothing(elsewhere: Elsewhere) -> None:
    elsewhere.come(inner=EXODUS.c)
    elsewhere.answer(EXODUS)
    elsewhere.come(inner="<show>away</show>")
    assert elsewhere.of() == set(EXODUS.features)


def test_only_so_many_are_remembered_the_latest(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caps, "MOST_CONTACTS", 2)
    elsewhere.learn(EXODUS)
    jids = [f"balthasar@mantua.lit/{number}" for number in range(3)]
    for jid in (jids[0], jids[1], jids[0], jids[2]):
        elsewhere.come(inner=EXODUS.c, sender=jid)
    assert [elsewhere.of(jid) is not None for jid in jids] == [True, False, True]


def test_who_is_blocked_is_not_asked(elsewhere: Elsewhere) -> None:
    juliet = appear(elsewhere.log_in("juliet"), None)
    juliet.ask(f"<block xmlns='{ns.BLOCKING}'><item jid='mantua.lit'/></block>", "set")
    elsewhere.out.clear()
    elsewhere.come(inner=EXODUS.c)
    assert elsewhere.requests == []


def test_while_nobody_elsewhere_can_be_reached_no_delivery_pays_for_it(stage: Stage) -> None:
    hooks, router = stage.server.host.hooks, stage.server.host.router
    assert hooks.account_presence.handlers == ()
    detach = router.attach(lambda stanza: None), router.attach(lambda stanza: None, "mantua.lit")
    assert len(hooks.account_presence.handlers) == 1
    detach[0]()
    assert len(hooks.account_presence.handlers) == 1
    stage.server.reload(modules={"off": ["caps"]})
    assert hooks.account_presence.handlers == ()
    stage.server.reload()
    assert len(hooks.account_presence.handlers) == 1
    detach[1]()
    assert hooks.account_presence.handlers == ()


# Strangers elsewhere, where a component sends events to whoever wants them


@pytest.fixture
def eventful() -> Elsewhere:
    grants = table(presence="roster", roster="get", interests=True)
    return Elsewhere(components={f"pubsub.{DOMAIN}": grants})


STRANGER = "sampson@mantua.lit/x"


@pytest.mark.parametrize("to", [JULIET, f"{JULIET}/gone", f"nobody@{DOMAIN}"])
def test_0060_9_1_3_a_stranger_is_asked_in_the_servers_name(to: str, eventful: Elsewhere) -> None:
    """Whether or not there is such an account: nobody learns by it who has one."""
    eventful.come(inner=EXODUS.c, sender=STRANGER, to=to)
    (request,) = eventful.requests
    assert (request.sender, request.to) == (DOMAIN, STRANGER)
    eventful.answer(EXODUS)
    assert eventful.of(STRANGER) == set(EXODUS.features)
    eventful.come("unavailable", sender=STRANGER, to=to)
    assert eventful.of(STRANGER) is None


def test_a_client_that_shows_itself_to_no_more_than_an_account_is_asked(
    eventful: Elsewhere, stage: Stage
) -> None:
    """RFC 6121 §4.6: it has to be known what it wants (XEP-0060 §9.1.3)."""
    for each, to, expected in (
        (stage, JULIET, 0),
        (eventful, "room@mantua.lit/romeo", 0),
        (eventful, JULIET, 1),
    ):
        romeo = each.log_in("romeo", resource=to[:4])
        romeo.send(f"<presence to='{to}'>{EXODUS.c}</presence>")
        assert len(asked(romeo)) == expected


def test_strangers_are_asked_as_such(eventful: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "MOST_STRANGERS", 0)
    eventful.come(inner=EXODUS.c, sender=STRANGER)
    assert eventful.requests == []
    eventful.come(inner=EXODUS.c)
    assert [request.to for request in eventful.requests] == [BALTHASAR]


def test_a_room_speaks_for_its_occupants_and_they_are_not_asked(eventful: Elsewhere) -> None:
    """XEP-0045 §7.2.3."""
    eventful.come(inner=f"{EXODUS.c}<x xmlns='{ns.MUC_USER}'/>", sender="capulets@mantua.lit/paris")
    assert eventful.requests == []


def test_strangers_take_no_contacts_place(
    eventful: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharers, "MOST", 2)
    eventful.learn(EXODUS)
    eventful.come(inner=EXODUS.c)
    strangers = [f"sampson@mantua.lit/{number}" for number in range(3)]
    for jid in strangers:
        eventful.come(inner=EXODUS.c, sender=jid)
    known = [eventful.of(jid) is not None for jid in (BALTHASAR, *strangers)]
    assert known == [True, False, True, True]


def test_who_is_a_stranger_to_one_and_a_contact_to_another_is_known_until_both_see_him_no_more(
    eventful: Elsewhere,
) -> None:
    eventful.learn(EXODUS)
    other = f"mercutio@{DOMAIN}"
    for to in (JULIET, other):
        eventful.come(inner=EXODUS.c, to=to)
    put(eventful.server, other, JID.parse(BALTHASAR).bare)
    eventful.come(inner=EXODUS.c, to=other)
    eventful.come("unavailable", to=JULIET)
    assert eventful.of() == set(EXODUS.features)
    put(eventful.server, other, JID.parse(BALTHASAR).bare, NONE | LISTED)
    eventful.come(inner=EXODUS.c, to=other)
    eventful.come("unavailable", to=other)
    assert eventful.of() is None


def test_who_is_blocked_is_asked_by_nobody(eventful: Elsewhere) -> None:
    juliet = appear(eventful.log_in("juliet"), None)
    juliet.ask(f"<block xmlns='{ns.BLOCKING}'><item jid='mantua.lit'/></block>", "set")
    eventful.out.clear()
    eventful.come(inner=EXODUS.c, sender=STRANGER)
    assert eventful.requests == []


# Unloading


def test_an_unloaded_module_leaves_nothing_behind(stage: Stage) -> None:
    stage.learn(EXODUS)
    known, asking = stage.log_in("juliet", EXODUS), stage.log_in("romeo", PSI)
    stage.server.reload(modules={"off": ["caps"]})
    held = stage.server.host.capabilities
    assert (stage.knows(known), len(held), stage.outstanding) == (None, 0, 0)
    (request,) = asked(asking)
    reply(asking, request, PSI.info)
    assert stage.knows(asking) is None
    assert asked(appear(known, PSI)) == []
    stage.server.reload()
    assert asked(appear(known, PSI)) != []
