"""Rosters on a whole server (RFC 6121 §2)."""

from __future__ import annotations

import pytest

from tests.support.people import GET, JULIET, NURSE, ROMEO, C, R, item, items, put, roster, told
from tests.support.server import DOMAIN, Client, Verona, condition
from xmppd import ns
from xmppd.errors import StoreBusy
from xmppd.jid import JID
from xmppd.modules.roster import SLICE
from xmppd.storage.rosters import KEPT, RosterItem
from xmppd.subscription import APPROVED, BOTH, FROM, IN, LISTED, OUT, TO


@pytest.fixture
def server() -> Verona:
    return Verona(accounts=("juliet", "romeo"))


@pytest.fixture
def juliet(server: Verona) -> Client:
    return server.log_in("juliet", "balcony")


def set_(client: Client, payload: str) -> str:
    """The condition that a roster set is refused with, "" where it is not."""
    return condition(client.ask(payload, "set"))


def version(client: Client, since: str = "") -> str:
    query = client.ask(f"<query xmlns='{ns.ROSTER}' ver='{since}'/>").find(f"{R}query")
    assert query is not None
    return query.get("ver", "")


# ---------------------------------------------------------------- §2.1, §2.2


def test_2_2_a_new_account_has_an_empty_roster(juliet: Client) -> None:
    answer = juliet.ask(GET)
    assert answer.get("type") == "result"
    query = answer.find(f"{R}query")
    assert query is not None and len(query) == 0


def test_2_1_2_an_item_shows_what_there_is_and_nothing_else(server: Verona, juliet: Client) -> None:
    put(server, JULIET, "a@x.lit", LISTED)
    put(server, JULIET, "b@x.lit", LISTED | TO)
    put(server, JULIET, "c@x.lit", LISTED | FROM | OUT)
    put(server, JULIET, "d@x.lit", LISTED | BOTH)
    put(server, JULIET, "e@x.lit", LISTED | APPROVED)
    put(server, JULIET, "f@x.lit", LISTED | IN)
    put(server, JULIET, "g@x.lit", IN)
    put(server, JULIET, "x.lit", LISTED)
    assert roster(juliet) == {
        "a@x.lit": {"subscription": "none"},
        "b@x.lit": {"subscription": "to"},
        "c@x.lit": {"subscription": "from", "ask": "subscribe"},
        "d@x.lit": {"subscription": "both"},
        "e@x.lit": {"subscription": "none", "approved": "true"},
        "f@x.lit": {"subscription": "none"},
        "x.lit": {"subscription": "none"},
    }


@pytest.mark.parametrize("type_", ["get", "set"])
@pytest.mark.parametrize("to", [ROMEO, f"nobody@{DOMAIN}"])
def test_2_1_5_nobody_sees_or_changes_anothers_roster(juliet: Client, type_: str, to: str) -> None:
    payload = GET if type_ == "get" else item(NURSE)
    assert condition(juliet.ask(payload, type_, to)) == "forbidden"


def test_a_roster_is_there_at_the_next_login_and_from_the_store(server: Verona) -> None:
    first = server.log_in("juliet")
    assert set_(first, item(ROMEO, "Romeo", ["Montagues", "Foes"])) == ""
    first.hang_up()
    expected = {
        ROMEO: {
            "name": "Romeo",
            "subscription": "none",
            "groups": ["Montagues", "Foes"],
        }
    }
    assert roster(server.log_in("juliet")) == expected
    server.host.residents.forget(JID.parse(JULIET))
    assert {i.contact for i in server.resident(JULIET).roster} == {ROMEO}


# ---------------------------------------------------------------- §2.1.6 pushes


def test_2_1_6_a_push_goes_to_interested_resources_only_from_the_account(server: Verona) -> None:
    clients = [server.log_in("juliet", name) for name in ("balcony", "chamber", "garden")]
    for client in clients[:2]:
        roster(client)
    assert set_(clients[2], item(ROMEO, "Romeo")) == ""
    for client in clients[:2]:
        push = client.one()
        assert (push.tag, push.get("type")) == (f"{C}iq", "set")
        assert push.get("from") == JULIET
        assert push.get("to") == client.jid
        assert push.get("id")
        assert items(push) == {ROMEO: {"name": "Romeo", "subscription": "none"}}
    assert clients[2].elements() == []


def test_2_1_6_what_clients_answer_to_a_push_goes_nowhere(server: Verona, juliet: Client) -> None:
    roster(juliet)
    juliet.send(f"<iq type='set' id='s'>{item(ROMEO)}</iq>")
    push = next(e for e in juliet.elements() if e.get("type") == "set")
    juliet.send(f"<iq type='result' id='{push.get('id')}'/>")
    juliet.send(f"<iq type='error' id='{push.get('id')}' to='{JULIET}'><error type='cancel'/></iq>")
    assert juliet.elements() == []


# ---------------------------------------------------------------- §2.3, §2.4, §2.5


def test_2_4_an_item_is_changed_as_a_whole_but_for_its_subscription(
    server: Verona, juliet: Client
) -> None:
    put(server, JULIET, ROMEO, LISTED | BOTH)
    assert set_(juliet, item(ROMEO, "R", ["a", "b"], subscription="none", ask="subscribe")) == ""
    assert roster(juliet)[ROMEO] == {"name": "R", "subscription": "both", "groups": ["a", "b"]}
    assert set_(juliet, item(ROMEO)) == ""
    assert roster(juliet)[ROMEO] == {"subscription": "both"}


def test_2_3_an_item_for_who_has_asked_keeps_the_request(server: Verona, juliet: Client) -> None:
    put(server, JULIET, ROMEO, IN)
    assert set_(juliet, item(ROMEO, "Romeo")) == ""
    assert server.resident(JULIET).roster.state(ROMEO) == IN | LISTED


def test_2_5_an_item_is_removed(server: Verona, juliet: Client) -> None:
    put(server, JULIET, "old@mantua.lit", LISTED)
    roster(juliet)
    juliet.send(f"<iq type='set' id='s'>{item('old@mantua.lit', subscription='remove')}</iq>")
    assert ("push", "old@mantua.lit", "remove") in told(juliet)
    assert roster(juliet) == {}


@pytest.mark.parametrize("state", [None, IN])
def test_2_5_3_what_is_not_in_the_roster_is_not_found(
    server: Verona, juliet: Client, state: int | None
) -> None:
    if state is not None:
        put(server, JULIET, ROMEO, state)
    assert set_(juliet, item(ROMEO, subscription="remove")) == "item-not-found"


@pytest.mark.parametrize(
    ("payload", "refused"),
    [
        (f"<query xmlns='{ns.ROSTER}'/>", "bad-request"),
        (f"<query xmlns='{ns.ROSTER}'><item jid='a@x'/><item jid='b@x'/></query>", "bad-request"),
        (f"<query xmlns='{ns.ROSTER}'><item jid='a@x'/><other/></query>", "bad-request"),
        (f"<query xmlns='{ns.ROSTER}'><other jid='a@x'/></query>", "bad-request"),
        (f"<query xmlns='{ns.ROSTER}'><item/></query>", "bad-request"),
        (item("a@x/balcony"), "bad-request"),
        (item("a@@x"), "jid-malformed"),
        (item("a b@x"), "jid-malformed"),
        (item(JULIET), "not-allowed"),
        (item("a@x", groups=["g", "g"]), "bad-request"),
        (item("a@x", groups=[""]), "not-acceptable"),
        (item("a@x", groups=["g" * 1024]), "not-acceptable"),
        (item("a@x", groups=[f"g{n}" for n in range(101)]), "not-acceptable"),
        (item("a@x", "n" * 1024), "not-acceptable"),
    ],
)
def test_2_3_3_what_is_wrong_is_refused_and_changes_nothing(
    server: Verona, juliet: Client, payload: str, refused: str
) -> None:
    put(server, JULIET, ROMEO, LISTED)
    before = version(juliet)
    assert set_(juliet, payload) == refused
    assert roster(juliet) == {ROMEO: {"subscription": "none"}}
    assert version(juliet) == before
    assert juliet.elements() == []


def test_what_is_just_not_too_long_is_taken(juliet: Client) -> None:
    groups = ["g" * 1023, *(f"g{n}" for n in range(99))]
    assert set_(juliet, item("a@x", "n" * 1023, groups)) == ""
    assert roster(juliet)["a@x"]["groups"] == groups


def test_contacts_are_normalised(juliet: Client) -> None:
    assert set_(juliet, item("RoMeO@Capulet.LIT")) == ""
    assert roster(juliet) == {ROMEO: {"subscription": "none"}}


def test_the_roster_is_bounded_and_who_is_in_it_may_be_changed() -> None:
    server = Verona(roster={"items": 2})
    juliet = server.log_in("juliet")
    assert [set_(juliet, item(f"{n}@x")) for n in "abc"] == ["", "", "resource-constraint"]
    assert set_(juliet, item("a@x", "A")) == ""
    assert set_(juliet, item("b@x", subscription="remove")) == ""
    assert set_(juliet, item("c@x")) == ""


def test_it_is_bounded_in_octets_too_and_may_be_made_smaller() -> None:
    server = Verona(roster={"octets": 1_024})
    juliet = server.log_in("juliet")
    assert set_(juliet, item("a@x", "n" * 500)) == ""
    assert set_(juliet, item("b@x", groups=["g" * 500])) == ""
    assert set_(juliet, item("c@x", "ü" * 20)) == "resource-constraint"
    assert set_(juliet, item("a@x", "n" * 530)) == "resource-constraint"
    assert set_(juliet, item("a@x", "n" * 490)) == ""
    assert set_(juliet, item("c@x", "ü" * 12)) == ""
    assert set_(juliet, item("b@x", subscription="remove")) == ""
    assert set_(juliet, item("d@x", "n" * 400)) == ""
    after = Verona(after=server, roster={"octets": 1_024}).log_in("juliet")
    assert set_(after, item("e@x", "n" * 100)) == "resource-constraint"


def test_where_the_store_is_busy_the_client_is_told_and_nothing_changes(
    server: Verona, juliet: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise StoreBusy("too much waits")

    roster(juliet)
    monkeypatch.setattr(server.host.stores.rosters, "change", fail)
    assert set_(juliet, item(ROMEO)) == "resource-constraint"
    monkeypatch.undo()
    assert roster(juliet) == {}
    assert set_(juliet, item(ROMEO)) == "", "nobody holds the lock"


# ---------------------------------------------------------------- §2.6 versions


def news(client: Client, since: str) -> list[tuple[str, ...]] | dict[str, dict[str, str]]:
    """What a client that has version `since` is told: pushes, or the whole roster."""
    client.send(f"<iq type='get' id='v'><query xmlns='{ns.ROSTER}' ver='{since}'/></iq>")
    answer, *pushes = client.elements()
    assert (answer.get("id"), answer.get("type")) == ("v", "result")
    if len(answer):
        assert not pushes
        return items(answer)
    versions = [int(p.find(f"{R}query").get("ver").rpartition("-")[2]) for p in pushes]  # type: ignore[union-attr]
    assert versions == sorted(versions)
    return [(jid, attrs["subscription"]) for p in pushes for jid, attrs in items(p).items()]


def test_2_6_1_the_stream_feature_is_offered(server: Verona) -> None:
    client = server.connect().open().authenticate("juliet").open()
    assert f"<ver xmlns='{ns.ROSTER_VERSIONING}'/>".encode() in client.log


def test_2_6_2_a_version_is_told_to_who_asks_with_one_and_on_each_push(juliet: Client) -> None:
    first = version(juliet)
    juliet.send(f"<iq type='set' id='s'>{item(ROMEO)}</iq>")
    push = juliet.elements()[0].find(f"{R}query")
    assert push is not None and push.get("ver") not in ("", None, first)
    assert version(juliet) == push.get("ver")
    plain = juliet.ask(GET).find(f"{R}query")
    assert plain is not None and plain.get("ver") is None


def test_2_6_3_who_has_the_newest_version_is_sent_nothing(juliet: Client) -> None:
    for name in "abc":
        set_(juliet, item(f"{name}@x"))
    assert news(juliet, version(juliet)) == []


def test_2_6_3_who_is_behind_gets_the_changes_alone_each_item_once(
    server: Verona, juliet: Client
) -> None:
    for n in range(30):
        set_(juliet, item(f"c{n}@x"))
    before = version(juliet)
    set_(juliet, item("c3@x", "Three"))
    set_(juliet, item("c3@x", "Drei"))
    set_(juliet, item("c4@x", subscription="remove"))
    set_(juliet, item("new@x"))
    set_(juliet, item("c5@x", subscription="remove"))
    set_(juliet, item("c5@x", "back"))
    other = server.log_in("juliet", "chamber")
    assert news(other, before) == [
        ("c3@x", "none"),
        ("c4@x", "remove"),
        ("new@x", "none"),
        ("c5@x", "none"),
    ]


def test_2_6_3_who_caught_up_is_pushed_what_comes_next(juliet: Client) -> None:
    set_(juliet, item("a@x"))
    news(juliet, version(juliet))
    juliet.send(f"<iq type='set' id='s'>{item('b@x')}</iq>")
    assert ("push", "b@x", "none") in told(juliet)


@pytest.mark.parametrize("wrong", ["", "x", "1", "abc-1", "-", "{epoch}-99999", "{epoch}-x"])
def test_2_6_3_a_version_that_is_none_of_the_rosters_gets_the_whole(
    juliet: Client, wrong: str
) -> None:
    set_(juliet, item("a@x"))
    epoch = version(juliet).partition("-")[0]
    assert news(juliet, wrong.format(epoch=epoch)) == {"a@x": {"subscription": "none"}}


def test_2_6_3_a_version_of_an_account_that_was_deleted_gets_the_whole(server: Verona) -> None:
    first = server.log_in("juliet")
    set_(first, item("a@x"))
    old = version(first)
    server.done(server.host.administrator.remove(JID.parse(JULIET)))
    server.clock.advance(1)
    server.account("juliet")
    again = server.log_in("juliet")
    set_(again, item("b@x"))
    assert news(again, old) == {"b@x": {"subscription": "none"}}


def test_2_6_3_who_is_too_far_behind_gets_the_whole(server: Verona, juliet: Client) -> None:
    set_(juliet, item("a@x"))
    old = version(juliet)
    resident = server.resident(JULIET)
    later = RosterItem(JID.parse("b@x"), LISTED, version=resident.roster.version + KEPT + 1)
    server.done(server.host.stores.rosters.change(resident.id, 0, later))
    resident.roster.put(later)
    assert news(juliet, old) == {"a@x": {"subscription": "none"}, "b@x": {"subscription": "none"}}


def test_versions_survive_in_the_store(server: Verona, juliet: Client) -> None:
    set_(juliet, item("a@x"))
    before = version(juliet)
    juliet.hang_up()
    server.host.residents.forget(JID.parse(JULIET))
    assert version(server.log_in("juliet")) == before


def test_a_large_roster_is_read_and_told_whole(server: Verona) -> None:
    resident = server.resident(JULIET)
    for n in range(1, 2_001):
        new = RosterItem(JID.parse(f"c{n}@x.lit"), LISTED, f"C {n}", ("g",), n)
        server.done(server.host.stores.rosters.change(resident.id, 0, new))
    server.host.residents.forget(JID.parse(JULIET))
    juliet = server.log_in("juliet", "balcony")
    juliet.send(f"<iq type='get' id='r'>{GET}</iq><presence/>")
    assert not juliet.take(), "others get their turn"
    for _ in range(2_000 // SLICE):
        server.clock.advance(0)
    answer, own = juliet.elements()
    assert len(items(answer)) == 2_000
    assert own.tag == f"{C}presence", "what was sent behind it waits"


def test_who_hangs_up_before_his_roster_is_written_troubles_nobody(server: Verona) -> None:
    resident = server.resident(JULIET)
    for n in range(1, SLICE + 2):
        resident.roster.put(RosterItem(JID.parse(f"c{n}@x.lit"), LISTED, version=n))
    server.log_in("juliet").send(f"<iq type='get' id='r'>{GET}</iq>").hang_up()
    server.clock.advance(0)
    assert not resident.lock.locked
    other = server.log_in("juliet")
    other.send(f"<iq type='get' id='r'>{GET}</iq>")
    server.clock.advance(0)
    assert len(items(other.one())) == SLICE + 1


def test_however_many_ask_while_it_is_being_changed_all_are_answered(server: Verona) -> None:
    """And it may be changed afterwards."""
    lock = server.resident(JULIET).lock
    juliet = server.log_in("juliet")
    server.done(lock.acquire())
    for n in range(300):
        juliet.send(f"<iq type='get' id='r{n}'>{GET}</iq>")
    assert not juliet.take()
    lock.release()
    server.clock.advance(0)
    answers = juliet.elements()
    assert [each.get("id") for each in answers] == [f"r{n}" for n in range(300)]
    assert not lock.locked
