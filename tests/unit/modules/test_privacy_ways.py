"""Ways round a block, each of them closed (XEP-0016 §2.2, §2.13; XEP-0191 §3.3).

By what was sent before the block, or is kept for a session whose client is away; by what the
server says of itself; by another resource, or another spelling of who is blocked.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest

from tests.support.people import JULIET, put, told
from tests.support.privacy import block, do, named, put_list, rule, unblock
from tests.support.server import Client, Verona, condition
from tests.support.sessions import read
from xmppd import ns
from xmppd.jid import JID
from xmppd.subscription import APPROVED, BOTH, LISTED
from xmppd.wire.stanza import Stanza

TYBALT, PARIS = "tybalt@mantua.lit/sword", "paris@pisa.lit/ring"
SM = f"{{{ns.STREAM_MANAGEMENT}}}"


class Street:
    """Juliet's server; tybalt and paris, both her contacts, are elsewhere."""

    def __init__(self, *contacts: str) -> None:
        self.server = Verona()
        self.out: list[Stanza] = []
        for domain in ("mantua.lit", "pisa.lit"):
            self.server.host.router.routes[domain] = self.out.append
        self.server.host.router.routes["east.mantua.lit"] = self.out.append
        for contact in contacts or (TYBALT, PARIS):
            put(self.server, JULIET, JID.parse(contact).bare)

    def log_in(self, resource: str, presence: str = "<presence/>") -> Client:
        client = self.server.log_in("juliet", resource).send(presence)
        client.take()
        return client

    def send(self, sender: str, to: str, text: str) -> None:
        """A stanza comes from elsewhere."""
        stanza = read(text)
        stanza.sender, stanza.to = JID.parse(sender), JID.parse(to)
        self.server.host.router.route(stanza)

    def say(self, words: str, to: str = JULIET, sender: str = TYBALT) -> None:
        """A chat message comes."""
        self.send(sender, to, f"<message id='m' type='chat'><body>{words}</body></message>")

    def heard(self, sender: str = TYBALT) -> list[tuple[str, str, str]]:
        """What has gone out to somebody since, in short."""
        domain = JID.parse(sender).domain
        found = [s for s in self.out if s.to is not None and s.to.domain == domain]
        self.out[:] = [s for s in self.out if s not in found]
        return [(s.kind, s.type, condition(s.element)) for s in found]

    def resume(self, id_: str, h: int = 0) -> Client:
        """Juliet's client comes back for a session."""
        client = self.server.connect().open().authenticate("juliet").open()
        client.take()
        client.send(f"<resume xmlns='{ns.STREAM_MANAGEMENT}' previd='{id_}' h='{h}'/>")
        return client


def managed(client: Client) -> str:
    """Have a session managed; the id by which it is resumed."""
    client.take()
    client.send(f"<enable xmlns='{ns.STREAM_MANAGEMENT}' resume='true'/>")
    id_ = client.one().get("id")
    assert id_
    return id_


def bodies(elements: list[Element]) -> list[str | None]:
    return [body.text for element in elements for body in element.iter(f"{{{ns.CLIENT}}}body")]


# ---------------------------------------------------------------- who is meant

ADDRESSES = [
    "tybalt@mantua.lit",
    "tybalt@mantua.lit/sword",
    "tybalt@mantua.lit/dagger",
    "benvolio@mantua.lit/x",
    "mantua.lit",
    "mantua.lit/gate",
    "tybalt@east.mantua.lit/sword",
]
MEANT = {
    "tybalt@mantua.lit": ADDRESSES[:3],
    "tybalt@mantua.lit/sword": ["tybalt@mantua.lit/sword"],
    "mantua.lit": ADDRESSES[:6],
    "mantua.lit/gate": ["mantua.lit/gate"],
}
KINDS = [
    "<message type='chat' id='k'><body>Thou villain</body></message>",
    "<presence id='k'/>",
    "<presence id='k' type='subscribe'/>",
    "<iq type='get' id='k'><query xmlns='jabber:iq:version'/></iq>",
]


@pytest.mark.parametrize("blocked", MEANT)
def test_191_6_and_16_2_1_which_addresses_a_block_covers_both_ways(blocked: str) -> None:
    """A full JID and a resource of a domain are one address; other names cover what is theirs."""
    for address in ADDRESSES:
        street = Street(PARIS)
        juliet = street.log_in("balcony")
        assert not do(juliet, block(blocked))
        juliet.take()
        for text in KINDS:
            street.out.clear()
            street.send(address, f"{JULIET}/balcony", text)
            assert bool(told(juliet)) == (address not in MEANT[blocked]), (address, text)
            street.out.clear()
            juliet.send(text.replace("id='k'", f"id='k' to='{address}'"))
            assert bool(street.out) == (address not in MEANT[blocked]), (address, text)
            juliet.take()


# ---------------------------------------------------------------- sessions whose client is away


def by_block(street: Street, client: Client) -> None:
    assert not do(client, block("mantua.lit"))


def by_default_list(street: Street, client: Client) -> None:
    put_list(client, "public", rule(1, jid="mantua.lit"), apply="default")


BLOCKS = [by_block, by_default_list]
Block = Callable[[Street, Client], None]


@pytest.mark.parametrize("blocks", BLOCKS)
def test_what_came_while_the_client_was_away_is_not_given_to_it_after_a_block(
    blocks: Block,
) -> None:
    """XEP-0198 §5: what waits is sent when the session is resumed, but for what is forbidden."""
    street = Street()
    balcony = street.log_in("balcony")
    id_ = managed(balcony)
    street.say("seen", f"{JULIET}/balcony")
    balcony.hang_up()
    for words, sender in (("a villain", TYBALT), ("a rose", PARIS), ("a rat", TYBALT)):
        street.say(words, f"{JULIET}/balcony", sender)
    blocks(street, street.log_in("garden", ""))
    street.out.clear()
    back = street.resume(id_, 1)
    assert bodies(back.elements()) == ["a rose"]
    assert street.heard() == [("message", "error", "service-unavailable")] * 2
    back.send(f"<a xmlns='{ns.STREAM_MANAGEMENT}' h='2'/>")
    assert not back.closed, "what was withdrawn is not counted"
    street.say("more", f"{JULIET}/balcony", PARIS)
    back.send(f"<a xmlns='{ns.STREAM_MANAGEMENT}' h='3'/>")
    assert bodies(back.elements()) == ["more"]
    assert not back.closed
    back.send("<presence type='unavailable'/>").send("<presence/>")
    assert bodies(back.elements()) == [], "nor is it in the store"


def test_what_was_sent_and_not_acknowledged_is_not_sent_again_after_a_block() -> None:
    street = Street()
    balcony = street.log_in("balcony")
    id_ = managed(balcony)
    street.say("a villain", f"{JULIET}/balcony")
    street.say("a rose", f"{JULIET}/balcony", PARIS)
    assert bodies(balcony.elements()) == ["a villain", "a rose"]
    by_block(street, street.log_in("garden", ""))
    balcony.hang_up()
    assert bodies(street.resume(id_).elements()) == ["a rose"]


@pytest.mark.parametrize("blocks", BLOCKS)
def test_nor_is_the_copy_of_what_another_client_got(blocks: Block) -> None:
    """XEP-0280 §7, XEP-0198 §5."""
    street = Street()
    balcony = street.log_in("balcony")
    balcony.send(f"<iq type='set' id='c'><enable xmlns='{ns.CARBONS}'/></iq>").take()
    id_ = managed(balcony)
    garden = street.log_in("garden", "")
    balcony.hang_up()
    street.say("a villain", f"{JULIET}/garden")
    street.say("a rose", f"{JULIET}/garden", PARIS)
    assert bodies(garden.elements()) == ["a villain", "a rose"]
    blocks(street, garden)
    again = street.resume(id_).take()
    assert b"a rose" in again
    assert b"a villain" not in again


def test_without_a_block_all_of_it_is_sent_again() -> None:
    """Else the two tests above would show nothing."""
    street = Street()
    balcony = street.log_in("balcony")
    id_ = managed(balcony)
    street.say("a villain", f"{JULIET}/balcony")
    balcony.hang_up()
    street.say("a rat", f"{JULIET}/balcony")
    by_block(street, street.log_in("garden", ""))
    assert not do(street.log_in("street", ""), unblock())
    assert bodies(street.resume(id_).elements()) == ["a villain", "a rat"]


def test_who_is_blocked_is_refused_while_the_client_is_away() -> None:
    street = Street()
    balcony = street.log_in("balcony")
    id_ = managed(balcony)
    by_block(street, balcony)
    balcony.hang_up()
    street.out.clear()
    for to in (JULIET, f"{JULIET}/balcony"):
        street.say("a villain", to)
        assert street.heard() == [("message", "error", "service-unavailable")]
        street.send(TYBALT, to, "<iq type='get' id='q'><query xmlns='jabber:iq:last'/></iq>")
        assert street.heard() == [("iq", "error", "service-unavailable")]
        for type_ in ("probe", "subscribe", "unsubscribe", "subscribed"):
            street.send(TYBALT, to, f"<presence type='{type_}'/>")
        assert street.heard() == []
    back = street.resume(id_, 2)
    assert [e for e in back.elements() if "mantua.lit" in e.get("from", "")] == []


@pytest.mark.parametrize("blocks", BLOCKS)
def test_what_a_session_leaves_behind_goes_to_no_other_session_after_a_block(blocks: Block) -> None:
    """XEP-0198 §4: it would go to another resource, or to the store."""
    street = Street()
    balcony, garden = street.log_in("balcony"), street.log_in("garden")
    managed(balcony)
    balcony.hang_up()
    street.say("a villain", f"{JULIET}/balcony")
    street.say("a rose", f"{JULIET}/balcony", PARIS)
    blocks(street, garden)
    garden.take(), street.out.clear()
    seconds = street.server.config.stream_management.hibernate_seconds
    street.server.clock.advance(seconds + 1)
    assert bodies(garden.elements()) == ["a rose"]
    assert ("message", "error", "service-unavailable") in street.heard()
    assert bodies(street.log_in("street", "").send("<presence/>").elements()) == []


def test_a_list_for_one_session_is_still_its_own_when_that_is_resumed() -> None:
    """§2.4: for the duration of the session, not of the connection."""
    street = Street()
    balcony, garden = street.log_in("balcony"), street.log_in("garden")
    put_list(balcony, "private", rule(1, jid="mantua.lit"), apply="active")
    id_ = managed(balcony)
    balcony.hang_up()
    street.say("while away", f"{JULIET}/balcony")
    back = street.resume(id_, 1)
    street.say("while there", f"{JULIET}/balcony")
    assert bodies(back.elements()) == []
    street.out.clear()
    back.send(f"<message to='{TYBALT}'><body>!</body></message>")
    assert street.out == []
    street.say("to her other one", f"{JULIET}/garden")
    assert bodies(garden.elements()) == ["to her other one"]


def test_of_presence_held_back_for_an_inactive_client_the_end_is_told() -> None:
    """XEP-0352: what it knew of before the block is over when it looks again."""
    street = Street()
    juliet = street.log_in("balcony")
    juliet.send(f"<inactive xmlns='{ns.CLIENT_STATE}'/>")
    street.send(TYBALT, JULIET, "<presence/>")
    assert told(juliet) == []
    by_block(street, street.log_in("garden", ""))
    juliet.send(f"<active xmlns='{ns.CLIENT_STATE}'/>")
    seen = [each for each in told(juliet) if "mantua.lit" in each[-1]]
    assert seen[-1][0] == "unavailable"


# ---------------------------------------------------------------- what the server says


def test_who_saw_directed_presence_sees_its_end_at_the_block_and_nothing_after() -> None:
    """RFC 6121 §4.6: a stranger, who may go on asking, too."""
    street = Street()
    juliet = street.log_in("balcony")
    stranger = "mercutio@mantua.lit/tomb"
    juliet.send(f"<presence to='{stranger}'/>")
    street.send(stranger, f"{JULIET}/balcony", "<presence type='probe'/>")
    assert [each[1] for each in street.heard()[-2:]] == ["", ""]
    assert not do(juliet, block(stranger))
    assert street.heard() == [("presence", "unavailable", "")]
    for to in (JULIET, f"{JULIET}/balcony"):
        street.send(stranger, to, "<presence type='probe'/>")
    juliet.send("<presence><show>away</show></presence>")
    juliet.send("<presence type='unavailable'/>")
    said = [s for s in street.out if s.to == stranger]
    assert said == []


def test_a_grant_in_advance_is_no_way_in_for_who_is_blocked() -> None:
    """RFC 6121 §3.4: the server would answer by itself, and show her presence."""
    street = Street()
    put(street.server, JULIET, "romeo@mantua.lit", APPROVED | LISTED)
    juliet = street.log_in("balcony")
    assert not do(juliet, block("romeo@mantua.lit"))
    for presence in ("<presence/>", "<presence type='unavailable'/>"):
        juliet.send(presence)
        street.out.clear()
        street.send("romeo@mantua.lit", JULIET, "<presence type='subscribe'/>")
        assert street.out == []
    juliet.hang_up()
    street.send("romeo@mantua.lit", JULIET, "<presence type='subscribe'/>")
    assert street.out == []
    state = street.server.resident(JULIET).roster.state("romeo@mantua.lit")
    assert state == APPROVED | LISTED


@pytest.mark.parametrize("known", [True, False])
def test_probes_for_who_is_not_there_are_not_answered_to_who_is_blocked(known: bool) -> None:
    """RFC 6121 §4.3.2: neither with the last words of a user, nor with `unsubscribed`."""
    street = Street()
    juliet = street.log_in("balcony")
    by_block(street, juliet)
    juliet.send("<presence type='unavailable'><status>to the friar</status></presence>").hang_up()
    prober = TYBALT if known else "benvolio@mantua.lit/x"
    for forgotten in (False, True):
        if forgotten:
            street.server.host.residents.forget(JID.parse(JULIET))
        street.out.clear()
        for to in (JULIET, f"{JULIET}/balcony"):
            street.send(prober, to, "<presence type='probe'/>")
        assert street.out == []


def test_a_probe_is_refused_by_a_rule_for_all_even_where_presence_may_go_out() -> None:
    """§2.13: it is no notification; the list says so whether she is there or not."""
    street = Street()
    juliet = street.log_in("balcony")
    rules = rule(1, "allow", "presence-out", jid="mantua.lit"), rule(2, jid="mantua.lit")
    put_list(juliet, "public", *rules, apply="default")
    street.out.clear()
    for leave in (lambda: None, juliet.hang_up):
        leave()
        street.out.clear()
        street.send("tybalt@mantua.lit", JULIET, "<presence type='probe'/>")
        assert street.out == []


# ---------------------------------------------------------------- other resources


def test_what_the_best_resource_refuses_its_sender_reads_and_copies_go_where_they_may() -> None:
    """XEP-0280: a copy goes by the list of the session that it is for."""
    street = Street()
    balcony = street.log_in("balcony", "<presence><priority>5</priority></presence>")
    garden = street.log_in("garden", "<presence><priority>1</priority></presence>")
    assert not do(garden, f"<enable xmlns='{ns.CARBONS}'/>")
    put_list(garden, "private", rule(1, jid="mantua.lit"), apply="active")
    garden.take(), balcony.take()
    street.say("to all of her")
    assert (bodies(balcony.elements()), bodies(garden.elements())) == (["to all of her"], [])
    assert not do(garden, named("active"))
    put_list(balcony, "private", rule(1, jid="mantua.lit"), apply="active")
    garden.take(), balcony.take(), street.out.clear()
    street.say("to all of her")
    assert bodies(balcony.elements()) == []


def test_a_new_resource_of_who_is_blocked_is_blocked_too() -> None:
    street = Street()
    juliet = street.log_in("balcony")
    assert not do(juliet, block("tybalt@mantua.lit"))
    juliet.take(), street.out.clear()
    street.say("a villain", f"{JULIET}/balcony", "tybalt@mantua.lit/another")
    street.send("tybalt@mantua.lit/another", JULIET, "<presence/>")
    assert told(juliet) == []
    assert street.heard() == [("message", "error", "service-unavailable")]


def test_a_block_is_for_every_session_and_every_later_one() -> None:
    """XEP-0191 §3.3: "applies across sessions"."""
    street = Street()
    balcony, garden = street.log_in("balcony"), street.log_in("garden")
    by_block(street, balcony)
    later = street.log_in("street")
    for client in (balcony, garden, later):
        client.take()
        street.say("a villain", str(client.jid))
        assert bodies(client.elements()) == []
    street.out.clear()
    garden.send(f"<message to='{TYBALT}'><body>!</body></message>")
    assert street.out == []
    assert condition(garden.one()) == "not-acceptable"


def test_who_is_blocked_and_unblocked_is_where_he_was() -> None:
    """XEP-0191 §3.4: contacts both ways, and each sees the other again."""
    street = Street()
    juliet = street.log_in("balcony")
    by_block(street, juliet)
    street.out.clear()
    assert not do(juliet, unblock("mantua.lit"))
    assert sorted(street.heard()) == [("presence", "", ""), ("presence", "probe", "")]
    assert street.server.resident(JULIET).roster.state("tybalt@mantua.lit") == BOTH | LISTED
    street.say("a kinsman", f"{JULIET}/balcony")
    assert bodies(juliet.elements()) == ["a kinsman"]
