"""Presence on a whole server (RFC 6121 §4)."""

from __future__ import annotations

import pytest

from tests.support.people import JULIET, NURSE, ROMEO, C, friends, put, told
from tests.support.server import DOMAIN, Client, Verona
from tests.unit.modules.test_subscriptions import STRANGER, Elsewhere
from xmppd import ns
from xmppd.core.presence import MOST_DIRECTED, SLICE
from xmppd.jid import JID
from xmppd.subscription import BOTH, FROM, LISTED, TO

BALCONY, ORCHARD = f"{JULIET}/balcony", f"{ROMEO}/orchard"
DELAY = f"{{{ns.DELAY}}}delay"


@pytest.fixture
def server() -> Verona:
    server = Verona(accounts=("juliet", "romeo", "nurse"))
    friends(server, JULIET, ROMEO)
    return server


@pytest.fixture
def elsewhere(server: Verona) -> Elsewhere:
    put(server, JULIET, STRANGER)
    return Elsewhere(server)


@pytest.fixture
def romeo(server: Verona) -> Client:
    client = server.log_in("romeo", "orchard").send("<presence/>")
    client.take()
    return client


@pytest.fixture
def juliet(server: Verona) -> Client:
    return server.log_in("juliet", "balcony")


# ---------------------------------------------------------------- §4.2, §4.3 initial presence


def test_4_2_2_initial_presence_goes_to_subscribers_and_to_all_own_resources(
    server: Verona, romeo: Client, juliet: Client
) -> None:
    other = server.log_in("juliet", "chamber").send("<presence><priority>-1</priority></presence>")
    other.take()
    romeo.take()
    stranger = server.log_in("nurse").send("<presence/>")
    stranger.take()
    juliet.send("<presence id='p1'><show>chat</show><status>Ay me</status></presence>")
    (seen,) = romeo.elements()
    assert (seen.get("from"), seen.get("to"), seen.get("id")) == (BALCONY, ROMEO, "p1")
    assert (seen.findtext(f"{C}show"), seen.findtext(f"{C}status")) == ("chat", "Ay me")
    assert told(other) == [("available", BALCONY)]
    assert told(juliet) == [
        ("available", BALCONY),
        ("available", f"{JULIET}/chamber"),
        ("available", ORCHARD),
    ]
    assert told(stranger) == []


@pytest.mark.parametrize("state", [LISTED, LISTED | TO, 0])
def test_4_2_2_who_has_no_subscription_sees_nothing(state: int) -> None:
    server = Verona()
    if state:
        put(server, JULIET, ROMEO, state)
    romeo = server.log_in("romeo").send("<presence/>")
    romeo.take()
    juliet = server.log_in("juliet").send("<presence/>")
    assert told(romeo) == []
    juliet.hang_up()
    assert told(romeo) == []


def test_4_3_1_contacts_at_other_servers_are_probed_from_the_full_jid(
    server: Verona, elsewhere: Elsewhere, juliet: Client
) -> None:
    juliet.send("<presence/>")
    assert elsewhere.got() == [("available", BALCONY), ("probe", BALCONY)]
    juliet.send("<presence><show>away</show></presence>")
    assert elsewhere.got() == [("available", BALCONY)], "an update probes nobody"


def test_4_3_2_a_contact_that_is_there_answers_with_each_resource_and_since_when(
    server: Verona, juliet: Client
) -> None:
    for name in ("orchard", "tomb"):
        server.log_in("romeo", name).send(f"<presence><status>{name}</status></presence>")
    server.clock.advance(60)
    juliet.send("<presence/>")
    seen = {e.get("from"): e for e in juliet.elements() if e.get("from") != BALCONY}
    assert set(seen) == {ORCHARD, f"{ROMEO}/tomb"}
    assert seen[ORCHARD].findtext(f"{C}status") == "orchard"
    stamp = seen[ORCHARD].find(DELAY)
    assert stamp is not None
    assert (stamp.get("stamp"), stamp.get("from")) == ("2006-12-08T01:58:35Z", DOMAIN)


def test_4_3_2_a_contact_that_is_not_there_answers_with_the_last_word(
    server: Verona, romeo: Client, juliet: Client
) -> None:
    romeo.send("<presence type='unavailable'><status>To Mantua</status></presence>")
    romeo.hang_up()
    server.host.residents.forget(JID.parse(ROMEO))
    server.clock.advance(60)
    juliet.send("<presence/>")
    (gone,) = (e for e in juliet.elements() if e.get("type") == "unavailable")
    assert (gone.get("from"), gone.get("to")) == (ROMEO, BALCONY)
    assert gone.findtext(f"{C}status") == "To Mantua"
    stamp = gone.find(DELAY)
    assert stamp is not None and stamp.get("stamp") == "2006-12-08T01:58:35Z"


def test_4_3_2_a_contact_that_never_was_there_is_just_unavailable(
    server: Verona, juliet: Client
) -> None:
    juliet.send("<presence/>")
    assert told(juliet) == [("available", BALCONY), ("unavailable", ROMEO)]


@pytest.mark.parametrize("state", [None, LISTED, LISTED | TO])
def test_4_3_2_who_may_not_see_an_account_is_told_that_he_is_not_subscribed(
    server: Verona, elsewhere: Elsewhere, state: int | None
) -> None:
    server.host.router.routes["mantua.lit"] = elsewhere.received.append
    if state is not None:
        put(server, NURSE, STRANGER, state)
    nurse = server.log_in("nurse").send("<presence/>")
    nurse.take()
    elsewhere.got()
    elsewhere.send("probe", NURSE)
    assert elsewhere.got() == [("unsubscribed", NURSE)]
    elsewhere.send("probe", f"nobody@{DOMAIN}")
    assert elsewhere.got() == [("unsubscribed", f"nobody@{DOMAIN}")]
    assert told(nurse) == []


def test_4_3_2_a_probe_for_one_resource_is_answered_for_that_one(
    server: Verona, elsewhere: Elsewhere, juliet: Client
) -> None:
    juliet.send("<presence/>")
    server.log_in("juliet", "chamber").send("<presence/>")
    elsewhere.got()
    elsewhere.send("probe", f"{JULIET}/chamber")
    assert elsewhere.got() == [("available", f"{JULIET}/chamber")]
    elsewhere.send("probe", f"{JULIET}/garden")
    assert elsewhere.got() == [("unavailable", f"{JULIET}/garden")]
    elsewhere.send("probe", JULIET)
    assert elsewhere.got() == [("available", BALCONY), ("available", f"{JULIET}/chamber")]


def test_a_contact_that_has_forgotten_the_user_sets_his_roster_right(server: Verona) -> None:
    put(server, JULIET, NURSE, LISTED | BOTH)
    juliet = server.log_in("juliet", "balcony").send("<presence/>")
    assert ("unsubscribed", NURSE) in told(juliet)
    assert server.resident(JULIET).roster.state(NURSE) == LISTED | FROM


# ---------------------------------------------------------------- §4.4, §4.5


def test_4_4_an_update_goes_to_subscribers_and_probes_nobody(
    server: Verona, romeo: Client, juliet: Client
) -> None:
    juliet.send("<presence/>")
    juliet.take(), romeo.take()
    juliet.send("<presence><show>dnd</show></presence>")
    assert told(juliet) == [("available", BALCONY)]
    (seen,) = romeo.elements()
    assert seen.findtext(f"{C}show") == "dnd"


def test_4_5_2_unavailable_presence_goes_to_all_with_its_status(
    romeo: Client, juliet: Client
) -> None:
    juliet.send("<presence/>")
    juliet.take(), romeo.take()
    juliet.send("<presence type='unavailable'><status>Good night</status></presence>")
    (seen,) = romeo.elements()
    assert (seen.get("type"), seen.findtext(f"{C}status")) == ("unavailable", "Good night")
    juliet.hang_up()
    assert told(romeo) == [], "it has been said"


@pytest.mark.parametrize("how", ["</stream:stream>", ""])
def test_4_5_2_who_leaves_without_a_word_is_told_unavailable_by_the_server(
    server: Verona, romeo: Client, juliet: Client, how: str
) -> None:
    other = server.log_in("juliet", "chamber").send("<presence/>")
    juliet.send("<presence/>")
    romeo.take(), other.take()
    juliet.send(how) if how else juliet.hang_up()
    assert told(romeo) == [("unavailable", BALCONY)]
    assert told(other) == [("unavailable", BALCONY)]


def test_who_was_never_available_leaves_unnoticed(romeo: Client, juliet: Client) -> None:
    juliet.hang_up()
    assert told(romeo) == []


def test_xep_0012_3_the_last_word_is_kept_of_the_last_resource_alone(
    server: Verona, juliet: Client
) -> None:
    other = server.log_in("juliet", "chamber").send("<presence/>")
    juliet.send("<presence/>")
    juliet.send("<presence type='unavailable'><status>first</status></presence>")
    load = server.host.stores.last.load
    account = server.resident(JULIET).id
    read = lambda: server.done(server.host.stores.database.read(lambda tx: load(tx, account)))  # noqa: E731
    assert read() is None
    server.clock.advance(5)
    other.send("<presence type='unavailable'><status>last</status></presence>")
    assert read() == (server.clock.seconds(), "last")


# ---------------------------------------------------------------- §4.6 directed presence


def test_4_6_3_who_was_shown_presence_is_told_of_its_end(server: Verona, juliet: Client) -> None:
    nurse = server.log_in("nurse", "kitchen").send("<presence/>")
    nurse.take()
    juliet.send("<presence/>")
    juliet.send(f"<presence to='{NURSE}/kitchen'/>")
    assert told(nurse) == [("available", BALCONY)]
    juliet.send("<presence><show>away</show></presence>")
    assert told(nurse) == [], "updates are for subscribers"
    juliet.send("<presence type='unavailable'/>")
    assert told(nurse) == [("unavailable", BALCONY)]
    juliet.hang_up()
    assert told(nurse) == []


def test_4_6_3_of_a_lost_connection_too_and_of_who_was_never_available(
    server: Verona, juliet: Client
) -> None:
    nurse = server.log_in("nurse", "kitchen").send("<presence/>")
    nurse.take()
    juliet.send(f"<presence to='{NURSE}'/>")
    nurse.take()
    juliet.hang_up()
    assert told(nurse) == [("unavailable", BALCONY)]


def test_4_6_3_directed_unavailable_presence_is_the_end_of_it(
    server: Verona, juliet: Client
) -> None:
    nurse = server.log_in("nurse", "kitchen").send("<presence/>")
    nurse.take()
    juliet.send(f"<presence to='{NURSE}'/><presence to='{NURSE}' type='unavailable'/>")
    assert told(nurse) == [("available", BALCONY), ("unavailable", BALCONY)]
    juliet.hang_up()
    assert told(nurse) == []


def test_4_6_3_a_subscriber_is_told_once(romeo: Client, juliet: Client) -> None:
    juliet.send(f"<presence to='{ROMEO}'/><presence/>")
    romeo.take()
    juliet.send("<presence type='unavailable'/>")
    assert told(romeo) == [("unavailable", BALCONY)]


def test_4_6_6_a_probe_by_who_was_shown_presence_is_answered(
    server: Verona, elsewhere: Elsewhere
) -> None:
    nurse = server.log_in("nurse", "kitchen")
    nurse.send(f"<presence to='{STRANGER}'/>")
    elsewhere.got()
    elsewhere.send("probe", f"{NURSE}/kitchen")
    assert elsewhere.got() == [("available", f"{NURSE}/kitchen")]
    elsewhere.send("probe", NURSE)
    assert elsewhere.got() == [("unsubscribed", NURSE)]


def test_directed_presence_is_bounded(server: Verona, juliet: Client) -> None:
    server.host.router.routes["rooms.lit"] = lambda stanza: None
    juliet.send("".join(f"<presence to='r{n}@rooms.lit/j'/>" for n in range(MOST_DIRECTED)))
    assert told(juliet) == []
    juliet.send("<presence to='one@rooms.lit/more'/>")
    assert b"resource-constraint" in juliet.take()
    juliet.send("<presence to='r1@rooms.lit/j'/>")
    assert told(juliet) == []


# ---------------------------------------------------------------- many contacts


def test_presence_to_many_contacts_is_spread_and_nothing_overtakes_it(server: Verona) -> None:
    seen: list[tuple[str, str]] = []
    server.host.router.routes["mantua.lit"] = lambda s: seen.append((s.kind, str(s.to)))
    many = 2 * SLICE + 50
    for n in range(many):
        put(server, NURSE, f"c{n}@mantua.lit", LISTED | FROM)
    nurse = server.log_in("nurse", "kitchen")
    nurse.send("<presence/><message to='c0@mantua.lit'><body>x</body></message>")
    assert len(seen) == SLICE, "others get their turn"
    for _ in range(5):
        server.clock.advance(0)
    assert seen == [
        *(("presence", f"c{n}@mantua.lit") for n in range(many)),
        ("message", "c0@mantua.lit"),
    ]


def test_who_hangs_up_in_the_middle_is_told_unavailable_to_all(server: Verona) -> None:
    seen: list[tuple[str, str]] = []
    server.host.router.routes["mantua.lit"] = lambda s: seen.append((s.type, str(s.to)))
    many = 2 * SLICE + 50
    for n in range(many):
        put(server, NURSE, f"c{n}@mantua.lit", LISTED | FROM)
    nurse = server.log_in("nurse", "kitchen").send("<presence/>")
    nurse.hang_up()
    for _ in range(9):
        server.clock.advance(0)
    contacts = [f"c{n}@mantua.lit" for n in range(many)]
    assert seen == [*(("", c) for c in contacts), *(("unavailable", c) for c in contacts)]
