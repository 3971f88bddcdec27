"""Presence and subscriptions between servers (RFC 6121 §3, §4)."""

from __future__ import annotations

import pytest

from tests.support.federated import Town, Web
from tests.support.server import Client, condition
from xmppd import ns
from xmppd.errors import StanzaError

CAPULET, MONTAGUE = "capulet.lit", "montague.lit"
JULIET, ROMEO = "juliet@capulet.lit", "romeo@montague.lit"


def told(client: Client) -> list[str]:
    """What presence has come: the type, and from whom."""
    found = [each for each in client.elements() if each.tag == f"{{{ns.CLIENT}}}presence"]
    return [f"{each.get('type', 'available')} {each.get('from')}" for each in found]


def towns(web: Web) -> tuple[Town, Town]:
    return web.town(CAPULET), web.town(MONTAGUE)


def come(town: Town, name: str, resource: str = "x") -> Client:
    """Somebody logs in; what comes then is unread."""
    client = town.connect().open(town.domain)
    client.authenticate(name).open(town.domain)
    client.bind(resource)
    client.take()
    client.send("<presence/>")
    town.web.settle()
    return client


def friends(web: Web) -> tuple[Town, Town, Client, Client]:
    """Juliet and Romeo, who see each other."""
    verona, mantua = towns(web)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    for one, other, to in ((juliet, romeo, ROMEO), (romeo, juliet, JULIET)):
        one.send(f"<presence type='subscribe' to='{to}'/>")
        web.settle()
        other.send(f"<presence type='subscribed' to='{JULIET if to == ROMEO else ROMEO}'/>")
        web.settle()
    juliet.take()
    romeo.take()
    return verona, mantua, juliet, romeo


def test_from_strangers_to_friends_and_back_rfc6121_3() -> None:
    web = Web()
    verona, mantua = towns(web)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    juliet.send(f"<presence type='subscribe' to='{ROMEO}/x'><status>O</status></presence>")
    web.settle()
    assert told(romeo) == [f"subscribe {JULIET}"], "bare JIDs (§3.1.2)"
    romeo.send(f"<presence type='subscribed' to='{JULIET}'/>")
    web.settle()
    assert told(juliet) == [f"subscribed {ROMEO}", f"available {ROMEO}/x"]
    juliet.send(f"<presence type='unsubscribe' to='{ROMEO}'/>")
    web.settle()
    assert told(juliet) == [f"unavailable {ROMEO}/x"]
    assert told(romeo) == [f"unsubscribe {JULIET}"]


def test_a_subscription_is_cancelled_rfc6121_3_2() -> None:
    web = Web()
    _, _, juliet, romeo = friends(web)
    romeo.send(f"<presence type='unsubscribed' to='{JULIET}'/>")
    web.settle()
    assert sorted(told(juliet)) == [f"unavailable {ROMEO}/x", f"unsubscribed {ROMEO}"]


def test_a_request_waits_for_who_is_away_rfc6121_3_1_3() -> None:
    web = Web()
    verona, mantua = towns(web)
    juliet = verona.log_in("juliet")
    juliet.send(f"<presence type='subscribe' to='{ROMEO}'/>")
    web.settle()
    assert told(juliet) == []
    romeo = come(mantua, "romeo")
    assert f"subscribe {JULIET}" in told(romeo)


def test_they_come_change_and_go_rfc6121_4_2_4_4_4_5() -> None:
    web = Web()
    _, _, juliet, romeo = friends(web)
    romeo.send("<presence><show>away</show></presence>")
    web.settle()
    assert told(juliet) == [f"available {ROMEO}/x"], "§4.4.3"
    romeo.send("<presence type='unavailable'/>")
    web.settle()
    assert told(juliet) == [f"unavailable {ROMEO}/x"], "§4.5.3"
    romeo.send("<presence/>")
    web.settle()
    assert told(juliet) == [f"available {ROMEO}/x"], "§4.2.3"


def test_who_comes_later_is_told_by_a_probe_rfc6121_4_3() -> None:
    web = Web()
    verona, _, juliet, romeo = friends(web)
    juliet.send("<presence type='unavailable'/>")
    web.settle()
    romeo.take()
    again = verona.log_in("juliet", "balcony")
    web.settle()
    assert told(again) == [f"available {ROMEO}/x"]
    assert told(romeo) == [f"available {JULIET}/balcony"], "the probe is the server's business"


def test_who_may_not_see_it_learns_nothing_by_a_probe_rfc6121_4_3_2() -> None:
    web = Web()
    verona, mantua = towns(web)
    romeo = mantua.log_in("romeo")
    tybalt = verona.log_in("juliet")
    tybalt.send(f"<presence type='probe' to='{ROMEO}'/>")
    web.settle()
    assert not [each for each in told(tybalt) if each.startswith("available")]
    assert told(romeo) == []


def test_directed_presence_ends_with_the_session_rfc6121_4_6_3() -> None:
    web = Web()
    verona, mantua = towns(web)
    juliet, romeo = verona.log_in("juliet"), mantua.log_in("romeo")
    juliet.send(f"<presence to='{ROMEO}/x'/>")
    web.settle()
    assert told(romeo) == [f"available {JULIET}/x"]
    juliet.send("</stream:stream>")
    web.settle()
    assert told(romeo) == [f"unavailable {JULIET}/x"]


UNREACHABLE = pytest.mark.parametrize(
    "why",
    [
        StanzaError("remote-server-not-found", reason="s2s.no-such-domain"),
        StanzaError("remote-server-timeout", reason="s2s.unreachable"),
    ],
    ids=lambda why: why.condition,
)


def errors(client: Client) -> list[str]:
    """The errors that have come, and from whom; fails for anything else but presence."""
    found = client.elements()
    assert {each.tag for each in found} <= {f"{{{ns.CLIENT}}}presence"}
    return [f"{condition(e)} {e.get('from')}" for e in found if e.get("type") == "error"]


@UNREACHABLE
def test_who_logs_in_is_told_of_contacts_that_can_t_be_reached_rfc6120_10_4_3(
    why: StanzaError,
) -> None:
    """By errors from the contact itself, to the resource that has become available alone."""
    web = Web()
    verona, _, juliet, _ = friends(web)
    for connection in list(verona.remotes.connections):
        connection.close()
    web.settle()
    web.places[MONTAGUE] = why
    again = come(verona, "juliet", "balcony")
    assert set(errors(again)) == {f"{why.condition} {ROMEO}"}
    assert errors(juliet) == []


@UNREACHABLE
@pytest.mark.parametrize("type_", ["subscribe", "subscribed", "unsubscribe", "unsubscribed"])
def test_who_writes_to_nowhere_about_a_subscription_is_told_rfc6120_10_4_3(
    why: StanzaError, type_: str
) -> None:
    web = Web()
    verona, _, juliet, romeo = friends(web)
    if type_ == "subscribed":
        juliet.send(f"<presence type='unsubscribed' to='{ROMEO}'/>")
        web.settle()
        romeo.send(f"<presence type='subscribe' to='{JULIET}'/>")
    elif type_ == "subscribe":
        juliet.send(f"<presence type='unsubscribe' to='{ROMEO}'/>")
    web.settle()
    for connection in list(verona.remotes.connections):
        connection.close()
    web.settle()
    juliet.take()
    web.places[MONTAGUE] = why
    juliet.send(f"<presence type='{type_}' to='{ROMEO}'/>")
    web.settle()
    told = [e for e in juliet.elements() if e.get("type") == "error"]
    assert {f"{condition(e)} {e.get('from')}" for e in told} == {f"{why.condition} {ROMEO}"}
    assert JULIET in {e.get("to") for e in told}
