"""Last activity of accounts and their clients, and who may learn of it (XEP-0012, XEP-0256)."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest

from tests.support.people import JULIET, NURSE, ROMEO, C, friends, put, told
from tests.support.privacy import block, do, put_list, rule
from tests.support.server import DOMAIN, Client, Verona, condition
from xmppd import ns
from xmppd.jid import JID
from xmppd.subscription import BOTH, FROM, LISTED, NONE_IN, NONE_OUT, TO

QUERY = f"<query xmlns='{ns.LAST}'/>"
BALCONY, NOBODY = f"{JULIET}/balcony", f"nobody@{DOMAIN}"
AWAY = "<presence type='unavailable'><status>Heading Home</status></presence>"


@pytest.fixture
def server() -> Verona:
    server = Verona(accounts=("juliet", "romeo", "nurse"))
    friends(server, JULIET, ROMEO)
    return server


@pytest.fixture
def romeo(server: Verona) -> Client:
    return server.log_in("romeo", "orchard")


def juliet_in(server: Verona, presence: str = "<presence/>") -> Client:
    client = server.log_in("juliet", "balcony").send(presence)
    client.take()
    return client


def activity(answer: Element) -> tuple[str | None, str]:
    """Seconds and text of an answer."""
    assert answer.get("type") == "result", condition(answer)
    (query,) = answer
    assert query.tag == f"{{{ns.LAST}}}query"
    return query.get("seconds"), query.text or ""


def anonymous(answer: Element) -> tuple[object, ...]:
    """All that an error says but for the name of who was asked, and of the request."""
    shown = {key: value for key, value in answer.attrib.items() if key not in ("id", "from")}
    error = answer.find(f"{C}error")
    assert error is not None
    return shown, error.attrib, [(child.tag, child.text) for child in error]


# ---------------------------------------------------------------- §3 an account


def test_3_who_is_away_was_there_so_long_ago_and_said_this(server: Verona, romeo: Client) -> None:
    juliet = juliet_in(server)
    juliet.send(AWAY)
    server.clock.advance(903.9)
    assert activity(romeo.ask(QUERY, to=JULIET)) == ("903", "Heading Home")
    juliet.hang_up()
    server.host.residents.forget(JID.parse(JULIET))
    assert activity(romeo.ask(QUERY, to=JULIET)) == ("903", "Heading Home"), "as it is stored"


def test_3_a_lost_connection_says_nothing(server: Verona, romeo: Client) -> None:
    juliet = juliet_in(server)
    server.clock.advance(60)
    juliet.hang_up()
    server.clock.advance(7)
    assert activity(romeo.ask(QUERY, to=JULIET)) == ("7", "")


@pytest.mark.parametrize("priority", [0, -1])
def test_3_who_is_available_is_active_now(server: Verona, romeo: Client, priority: int) -> None:
    juliet_in(server).send(AWAY)
    juliet_in(server, f"<presence><priority>{priority}</priority></presence>")
    server.clock.advance(903)
    assert activity(romeo.ask(QUERY, to=JULIET)) == ("0", "")


def test_3_a_session_that_is_not_available_is_no_news(server: Verona, romeo: Client) -> None:
    juliet_in(server).send(AWAY)
    server.clock.advance(903)
    server.log_in("juliet", "chamber")
    assert activity(romeo.ask(QUERY, to=JULIET)) == ("903", "Heading Home")


def test_3_who_was_never_there_counts_from_the_making_of_the_account(
    server: Verona, romeo: Client
) -> None:
    server.clock.advance(86_400)
    assert activity(romeo.ask(QUERY, to=JULIET)) == ("86400", "")


def test_3_time_that_was_set_back_makes_no_negative_seconds(server: Verona, romeo: Client) -> None:
    juliet_in(server).send(AWAY)
    server.clock.rightNow -= 3_600
    assert activity(romeo.ask(QUERY, to=JULIET)) == ("0", "Heading Home")


@pytest.mark.parametrize("to", [None, JULIET])
def test_3_a_user_is_connected_when_he_asks_of_himself(server: Verona, to: str | None) -> None:
    juliet = juliet_in(server)
    juliet.send(AWAY)
    server.clock.advance(903)
    assert activity(juliet.ask(QUERY, to=to)) == ("0", "")


def test_a_guest_asks_of_himself_only() -> None:
    server = Verona(server={"domains": [DOMAIN, "guests.lit"]}, auth={"anonymous": ["guests.lit"]})
    guest = server.connect().open(to="guests.lit")
    guest.send(f"<auth xmlns='{ns.SASL}' mechanism='ANONYMOUS'>=</auth>").open(to="guests.lit")
    name = guest.bind().findtext(f".//{{{ns.BIND}}}jid") or ""
    assert activity(guest.ask(QUERY)) == ("0", "")
    answer = server.log_in("juliet").ask(QUERY, to=JID.parse(name).bare)
    assert condition(answer) == "forbidden"


# ---------------------------------------------------------------- §3, §8 who may know


@pytest.mark.parametrize("state", [FROM, BOTH])
def test_3_who_is_subscribed_to_the_user_is_told(state: int) -> None:
    server = Verona()
    put(server, JULIET, ROMEO, state | LISTED)
    juliet_in(server)
    assert activity(server.log_in("romeo").ask(QUERY, to=JULIET)) == ("0", "")


def available(server: Verona) -> None:
    juliet_in(server)


def connected(server: Verona) -> None:
    server.log_in("juliet", "balcony")


def away(server: Verona) -> None:
    juliet_in(server).hang_up()


def away_and_not_in_memory(server: Verona) -> None:
    juliet_in(server).hang_up()
    server.host.residents.forget(JID.parse(JULIET))


WAYS = [available, connected, away, away_and_not_in_memory]


@pytest.mark.parametrize("resource", ["", "/balcony", "/garden"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("state", [0, LISTED, LISTED | TO, NONE_IN, NONE_OUT | LISTED])
def test_3_4_8_nobody_else_can_tell_who_is_there_who_is_away_and_who_is_not_at_all(
    state: int, way: Callable[[Verona], None], resource: str
) -> None:
    server = Verona()
    if state:
        put(server, JULIET, ROMEO, state)
    way(server)
    romeo = server.log_in("romeo")
    known = romeo.ask(QUERY, to=JULIET + resource)
    unknown = romeo.ask(QUERY, to=NOBODY + resource)
    assert condition(known) == "forbidden"
    error = known.find(f"{C}error")
    assert error is not None and error.get("type") == "auth"
    assert anonymous(known) == anonymous(unknown)


@pytest.mark.parametrize("way", WAYS)
def test_8_who_is_blocked_reads_one_error_wherever_he_asks(
    way: Callable[[Verona], None], server: Verona, romeo: Client
) -> None:
    blocking = server.log_in("juliet", "tomb")
    assert not do(blocking, block(ROMEO))
    blocking.hang_up()
    way(server)
    for to in (JULIET, BALCONY, f"{JULIET}/garden"):
        assert condition(romeo.ask(QUERY, to=to)) == "service-unavailable", to


@pytest.mark.parametrize("via", ["active", "default"])
def test_8_who_may_not_see_presence_by_a_list_is_forbidden_it(
    server: Verona, romeo: Client, via: str
) -> None:
    juliet = juliet_in(server)
    put_list(juliet, "hide", rule(1, "deny", "presence-out", jid=ROMEO), apply=via)
    for to in (JULIET, BALCONY):
        assert condition(romeo.ask(QUERY, to=to)) == "forbidden"
    assert not told(juliet)
    juliet.hang_up()
    expected = "forbidden" if via == "default" else ""
    assert condition(romeo.ask(QUERY, to=JULIET)) == expected, (
        "an active list ends with its session"
    )


def test_8_one_session_may_hide_and_another_be_seen(server: Verona, romeo: Client) -> None:
    hiding = server.log_in("juliet", "tomb")
    put_list(hiding, "hide", rule(1, "deny", "presence-out", jid=ROMEO), apply="active")
    hiding.send("<presence/>").take()
    juliet_in(server)
    hiding.take()
    assert activity(romeo.ask(QUERY, to=JULIET)) == ("0", "")
    assert condition(romeo.ask(QUERY, to=f"{JULIET}/tomb")) == "forbidden"
    assert not told(hiding)


# ---------------------------------------------------------------- §4 a client


def test_4_a_client_answers_its_users_subscribers_itself(server: Verona, romeo: Client) -> None:
    juliet = juliet_in(server)
    romeo.send(f"<iq type='get' id='last2' to='{BALCONY}'>{QUERY}</iq>")
    asked = juliet.one()
    assert (asked.get("type"), asked.get("from"), asked[0].tag) == (
        "get",
        f"{ROMEO}/orchard",
        f"{{{ns.LAST}}}query",
    )
    juliet.send(
        f"<iq type='result' id='last2' to='{ROMEO}/orchard'>"
        f"<query xmlns='{ns.LAST}' seconds='123'/></iq>"
    )
    assert activity(romeo.one()) == ("123", "")


def test_4_the_users_own_clients_ask_each_other(server: Verona) -> None:
    juliet, other = juliet_in(server), server.log_in("juliet", "chamber")
    other.send(f"<iq type='get' id='last2' to='{BALCONY}'>{QUERY}</iq>")
    assert told(juliet) == [("iq", "get", f"{JULIET}/chamber")]


def test_4_a_subscriber_is_told_that_a_resource_is_gone(server: Verona, romeo: Client) -> None:
    juliet_in(server)
    assert condition(romeo.ask(QUERY, to=f"{JULIET}/garden")) == "service-unavailable"
    put(server, NURSE, ROMEO)
    server.host.residents.forget(JID.parse(NURSE))
    assert condition(romeo.ask(QUERY, to=f"{NURSE}/garden")) == "service-unavailable"


@pytest.mark.parametrize("shown_to", [NURSE, f"{NURSE}/kitchen"])
def test_4_who_was_shown_presence_may_ask_that_client_and_nobody_more(
    server: Verona, shown_to: str
) -> None:
    nurse, juliet = server.log_in("nurse", "kitchen"), juliet_in(server)
    other = server.log_in("juliet", "chamber").send("<presence/>")
    juliet.send(f"<presence to='{shown_to}'/>")
    nurse.send(f"<iq type='get' id='last2' to='{BALCONY}'>{QUERY}</iq>")
    assert ("iq", "get", f"{NURSE}/kitchen") in told(juliet)
    other.take()
    for to in (JULIET, f"{JULIET}/chamber"):
        assert condition(nurse.ask(QUERY, to=to)) == "forbidden"
    assert not told(other)
    juliet.send(f"<presence to='{shown_to}' type='unavailable'/>").take()
    assert condition(nurse.ask(QUERY, to=BALCONY)) == "forbidden"


def test_4_other_requests_to_a_client_and_its_answers_pass(server: Verona) -> None:
    juliet, nurse = juliet_in(server), server.log_in("nurse", "kitchen")
    nurse.send(f"<iq type='get' id='v' to='{BALCONY}'><query xmlns='{ns.VERSION}'/></iq>")
    nurse.send(f"<iq type='set' id='s' to='{BALCONY}'>{QUERY}</iq>")
    nurse.send(f"<iq type='result' id='r' to='{BALCONY}'>{QUERY}</iq>")
    assert [e.get("id") for e in juliet.elements()] == ["v", "s", "r"]


# ---------------------------------------------------------------- XEP-0256: in presence


INITIAL = f"<presence><query xmlns='{ns.LAST}' seconds='86511'/></presence>"
IDLE = f"<presence><show>away</show><query xmlns='{ns.LAST}' seconds='86511'/></presence>"


@pytest.mark.parametrize("idle", [INITIAL, IDLE], ids=["1.1 initial", "1.2 away"])
def test_xep_0256_1_last_activity_in_presence_is_passed_on_now_and_with_a_delay_later(
    server: Verona, romeo: Client, idle: str
) -> None:
    romeo.send("<presence/>").take()
    juliet_in(server, idle)
    seen = romeo.elements()[-1]
    server.clock.advance(60)
    later = next(
        element
        for element in server.log_in("romeo", "street").send("<presence/>").elements()
        if element.get("from") == BALCONY
    )
    for presence in (seen, later):
        query = presence.find(f"{{{ns.LAST}}}query")
        assert query is not None and query.get("seconds") == "86511"
    delay = later.find(f"{{{ns.DELAY}}}delay")
    assert delay is not None and delay.get("stamp") == "2006-12-08T01:58:35Z"
    assert seen.find(f"{{{ns.DELAY}}}delay") is None


# ---------------------------------------------------------------- §6


@pytest.mark.parametrize("to", [None, DOMAIN])
def test_6_service_discovery_names_it(server: Verona, to: str | None) -> None:
    answer = server.log_in("juliet").ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to=to)
    assert answer.find(f".//{{{ns.DISCO_INFO}}}feature[@var='{ns.LAST}']") is not None


def test_unloaded_the_module_stands_before_nobody(server: Verona) -> None:
    server.reload(modules={"off": ["last"]})
    juliet, nurse = juliet_in(server), server.log_in("nurse", "kitchen")
    nurse.send(f"<iq type='get' id='last2' to='{BALCONY}'>{QUERY}</iq>")
    assert told(juliet) == [("iq", "get", f"{NURSE}/kitchen")]
