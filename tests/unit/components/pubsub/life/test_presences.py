"""Who is there and what he wants, as the server tells it."""

from __future__ import annotations

import pytest

from components.common.privilege import Privilege
from components.common.stanza import Stanza
from components.pubsub.life import presences as module
from components.pubsub.life.presences import Presences
from tests.support.kit import Server
from xmppd import ns
from xmppd.jid import JID

ROMEO = JID.parse("romeo@capulet.lit")


@pytest.fixture
def presences() -> Presences:
    component = Server("pubsub.capulet.lit", "capulet.lit").component()
    return Presences(component, Privilege(component))


def tell(presences: Presences, who: str, *nodes: str, inner: str = "", known: bool = True) -> None:
    wanted = "".join(f"<node>{node}</node>" for node in nodes)
    interests = f"<interests xmlns='{ns.INTERESTS}'>{wanted}</interests>" if known else ""
    children = [f"{ns.INTERESTS} interests"] if known else []
    attrs = {"from": who, "to": "pubsub.capulet.lit"}
    presences._told(Stanza("presence", attrs, children, (inner + interests).encode()))


def leave(presences: Presences, who: str) -> None:
    presences._told(
        Stanza(
            "presence", {"from": who, "to": "pubsub.capulet.lit", "type": "unavailable"}, [], b""
        )
    )


@pytest.fixture
def gains(presences: Presences) -> list[tuple[str, set[str]]]:
    gained: list[tuple[str, set[str]]] = []
    presences.on_gain(lambda jid, names: gained.append((jid, set(names))))
    return gained


def test_what_a_resource_wants(presences):
    tell(presences, f"{ROMEO}/orchard", "tune", "mood")
    tell(presences, f"{ROMEO}/street", "mood")
    assert presences.wanting(ROMEO, "tune") == [f"{ROMEO}/orchard"]
    assert presences.wanting(ROMEO, "mood") == [f"{ROMEO}/orchard", f"{ROMEO}/street"]
    assert presences.wanting(JID.parse("paris@capulet.lit"), "mood") == ()


def test_who_has_gone_wants_nothing(presences):
    tell(presences, f"{ROMEO}/orchard", "tune")
    leave(presences, f"{ROMEO}/orchard")
    assert not presences.of(ROMEO)
    assert not presences.wanting(ROMEO, "tune")


def test_a_gain_is_what_was_not_wanted_before(presences, gains):
    for nodes in (("tune",), ("tune",), ("tune", "mood"), (), ("mood",)):
        tell(presences, f"{ROMEO}/orchard", *nodes)
    assert [names for _, names in gains] == [{"tune"}, {"mood"}, {"mood"}]


def test_presence_that_says_nothing_of_it_changes_nothing(presences, gains):
    """XEP-0115 §8.4."""
    tell(presences, f"{ROMEO}/orchard", "tune")
    tell(presences, f"{ROMEO}/orchard", known=False)
    tell(presences, f"{ROMEO}/orchard", "tune")
    assert len(gains) == 1


def test_a_client_wants_no_more_than_it_may(presences):
    tell(presences, f"{ROMEO}/orchard", *(f"n{number}" for number in range(1_000)))
    assert len(presences.interests_of(JID.parse(f"{ROMEO}/orchard"))) == module.MOST_WANTED


def test_contacts_elsewhere_are_bounded_and_users_are_not(presences, monkeypatch):
    monkeypatch.setattr(module, "MOST_ELSEWHERE", 3)
    tell(presences, f"{ROMEO}/orchard", "tune")
    for number in range(10):
        tell(presences, f"benvolio@montague.lit/{number}", "tune")
    benvolio = JID.parse("benvolio@montague.lit")
    assert [jid.resource for jid in presences.of(benvolio)] == ["7", "8", "9"]
    assert presences.of(ROMEO)


def test_strangers_take_no_contacts_place(presences, monkeypatch):
    """Whoever knows the service's address may show himself to it, from as many addresses."""
    monkeypatch.setattr(module, "MOST_ELSEWHERE", 3)
    shown = f"<shown xmlns='{ns.INTERESTS}' to='{ROMEO}'/>"
    attrs = {"from": "benvolio@montague.lit/1", "to": "pubsub.capulet.lit"}
    stanza = Stanza("presence", attrs, [f"{ns.INTERESTS} shown"], shown.encode())
    tell(presences, "benvolio@montague.lit/1", "tune")
    presences._told(stanza)
    for number in range(10):
        tell(presences, f"tybalt@montague.lit/{number}", known=False)
        if not number:
            tell(presences, "benvolio@montague.lit/1", "tune")
    assert presences.wanting(JID.parse("benvolio@montague.lit"), "tune")
    tybalt = JID.parse("tybalt@montague.lit")
    assert [jid.resource for jid in presences.of(tybalt)] == ["7", "8", "9"]
    leave(presences, "benvolio@montague.lit/1")
    leave(presences, "tybalt@montague.lit/9")
    assert [len(each) for each in (presences._elsewhere, presences._strangers)] == [0, 2]


def shows(presences: Presences, who: str, **accounts: str) -> None:
    """Presence that says to whom it is `shown` or `shared`, or from whom it is `hidden`."""
    inner = "".join(
        f"<{name} xmlns='{ns.INTERESTS}' {'from' if name == 'hidden' else 'to'}='{account}'/>"
        for name, account in accounts.items()
    )
    children = [f"{ns.INTERESTS} {name}" for name in accounts]
    attrs = {"from": who, "to": "pubsub.capulet.lit"}
    presences._told(Stanza("presence", attrs, children, inner.encode()))


BALTHASAR, TYBALT = (JID.parse(jid) for jid in ("balthasar@mantua.lit/1", "tybalt@capulet.lit/1"))


@pytest.mark.parametrize("who", [BALTHASAR, TYBALT])
def test_0060_9_1_3_to_whom_strangers_show_themselves(presences, who):
    found: list[tuple[JID, JID]] = []
    presences.on_shown(lambda jid, account: found.append((jid, account)))
    tell(presences, who, "tune")
    for _ in range(2):
        shows(presences, who, shared=ROMEO)
    assert found == [(who, ROMEO)]
    assert presences.sharing(ROMEO, "tune") == [who]
    assert presences.sharing(ROMEO, "mood") == []
    shows(presences, who, hidden=ROMEO)
    assert (presences.sharing(ROMEO, "tune"), list(presences.shared_to(who))) == ([], [])
    assert presences.of(who.bare)
    shows(presences, who, shared=ROMEO)
    leave(presences, who)
    assert presences.sharing(ROMEO, "tune") == []


def test_a_contact_elsewhere_that_is_seen_no_more(presences):
    shows(presences, BALTHASAR, shown=ROMEO)
    assert list(presences.shown_to(BALTHASAR)) == [ROMEO]
    shows(presences, BALTHASAR, hidden=ROMEO)
    assert list(presences.shown_to(BALTHASAR)) == []


def test_nothing_is_left_on_a_new_stream(presences):
    tell(presences, BALTHASAR, "tune")
    shows(presences, BALTHASAR, shared=ROMEO)
    presences._opened(False)
    assert presences.sharing(ROMEO, "tune") == []
    assert [*presences._shared, *presences._sharing, *presences._sharers] == []


def test_strangers_of_accounts_and_of_nobody_are_bounded_apart(presences, monkeypatch):
    """Contacts first, then those that an account hears of, then the service's own."""
    monkeypatch.setattr(module, "MOST_ELSEWHERE", 2)
    shows(presences, "benvolio@montague.lit/1", shown=ROMEO)
    for number in range(4):
        shows(presences, f"tybalt@montague.lit/{number}", shared=ROMEO)
        shows(presences, f"abram@montague.lit/{number}")
    there = {
        name: [jid.resource for jid in presences.of(JID.parse(f"{name}@montague.lit"))]
        for name in ("benvolio", "tybalt", "abram")
    }
    assert there == {"benvolio": ["1"], "tybalt": ["2", "3"], "abram": ["2", "3"]}
    assert len(presences._sharing[ROMEO]) == 2


def hide(presences: Presences, who: str, account: str) -> None:
    """Unavailable presence that is so for an account."""
    inner = f"<hidden xmlns='{ns.INTERESTS}' from='{account}'/>"
    attrs = {"from": who, "to": "pubsub.capulet.lit", "type": "unavailable"}
    presences._told(Stanza("presence", attrs, [f"{ns.INTERESTS} hidden"], inner.encode()))


@pytest.mark.parametrize("service_first", [True, False])
def test_who_hides_from_an_account_may_show_himself_to_the_service(presences, service_first):
    """His temporary subscriptions last (XEP-0060 §13.5)."""
    for service in (service_first, not service_first):
        if service:
            tell(presences, BALTHASAR, known=False)
        else:
            shows(presences, BALTHASAR, shared=ROMEO)
    tell(presences, BALTHASAR, "tune")
    hide(presences, BALTHASAR, ROMEO)
    assert presences.of(BALTHASAR.bare)
    assert presences.sharing(ROMEO, "tune") == []
    leave(presences, BALTHASAR)
    assert not presences.of(BALTHASAR.bare)


def test_who_hides_from_the_last_account_has_gone(presences):
    for account in (ROMEO, JID.parse("juliet@capulet.lit")):
        shows(presences, BALTHASAR, shared=account)
    tell(presences, BALTHASAR, "tune")
    hide(presences, BALTHASAR, ROMEO)
    assert presences.of(BALTHASAR.bare)
    hide(presences, BALTHASAR, "juliet@capulet.lit")
    assert not presences.of(BALTHASAR.bare)
    assert not presences._strangers


def test_what_is_wanted_is_bounded_in_octets(presences):
    names = [f"{n}{'x' * 1_000}" for n in range(8)]
    tell(presences, f"{ROMEO}/orchard", *names)
    assert presences.interests_of(JID.parse(f"{ROMEO}/orchard")) == frozenset(names[:4])


def test_what_is_shown_is_one_of_a_few_words(presences):
    for show, known in (("dnd", "dnd"), ("x" * 10_000, "online"), ("", "online")):
        stanza = Stanza(
            "presence",
            {"from": f"{ROMEO}/orchard", "to": "pubsub.capulet.lit"},
            [f"{ns.COMPONENT} show"],
            f"<show>{show}</show>".encode(),
        )
        presences._told(stanza)
        assert presences.of(ROMEO)[JID.parse(f"{ROMEO}/orchard")].show == known


def test_who_was_there_may_be_until_the_server_has_told_of_all(presences):
    for resource in ("orchard", "street"):
        tell(presences, f"{ROMEO}/{resource}")
    assert not presences.unsure(ROMEO)
    presences._opened(resumed=False)
    tell(presences, f"{ROMEO}/orchard")
    leave(presences, f"{ROMEO}/orchard")
    assert not presences.there(ROMEO)
    assert presences.unsure(ROMEO)
    leave(presences, f"{ROMEO}/street")
    assert not presences.unsure(ROMEO)
    tell(presences, f"{ROMEO}/street")
    presences._opened(resumed=False)
    presences._component.clock.advance(module.LATER)
    assert not presences.unsure(ROMEO)
