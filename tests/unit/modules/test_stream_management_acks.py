"""Acknowledgements (XEP-0198 §4), and those that can't be (§6)."""

from __future__ import annotations

import pytest

from tests.support.managed import REQUEST, SM, S, ack, handled, managed
from tests.support.offline import bodies, chat, numbered, numbers, waiting
from tests.support.people import JULIET, ROMEO
from tests.support.server import DOMAIN, Client, Verona, condition
from xmppd.core.acknowledging import AT_ONCE, UNASKED
from xmppd.modules.stream_management import PATIENCE, SOON

BALCONY = f"{JULIET}/balcony"


@pytest.fixture
def juliet(server: Verona) -> Client:
    return managed(server, "juliet", "balcony")[0]


def requests(client: Client) -> int:
    """How often the server has asked since something was last read."""
    return sum(element.tag == f"{S}r" for element in client.elements())


# ---------------------------------------------------------------- what the server has handled


@pytest.mark.parametrize(
    "stanza",
    [
        "<presence/>",
        f"<message to='{ROMEO}/orchard'><body>one</body></message>",
        "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>",
        # Who has an answer need not send it again, whatever that says.
        "<message to='nobody@nowhere.lit'><body>one</body></message>",
        f"<iq type='get' id='1' to='{DOMAIN}'><query xmlns='urn:example:x'/></iq>",
        "<message to='@'><body>one</body></message>",
        "<presence type='strange'/>",
    ],
)
@pytest.mark.usefixtures("romeo")
def test_4_every_stanza_is_counted_once_it_is_handled(juliet: Client, stanza: str) -> None:
    assert handled(juliet) == 0
    juliet.send(stanza)
    assert handled(juliet) == 1
    juliet.send(stanza * 2)
    assert handled(juliet) == 3


def test_1_what_is_no_stanza_is_not_counted(juliet: Client) -> None:
    juliet.send(" \n").send(REQUEST)
    ack(juliet, 0)
    juliet.send("<active xmlns='urn:xmpp:csi:0'/>")
    assert handled(juliet) == 0


def test_4_whoever_asks_is_answered_at_once_and_each_time(juliet: Client) -> None:
    answers = juliet.send(REQUEST + "<presence/>" + REQUEST * 2).elements()
    told = [each.attrib for each in answers if each.tag == f"{S}a"]
    assert told == [{"h": "0"}, {"h": "1"}, {"h": "1"}]


# ---------------------------------------------------------------- what the client has handled


def test_4_a_client_is_asked_soon_after_a_stanza(
    server: Verona, juliet: Client, romeo: Client
) -> None:
    """Not at once: to answer costs a phone more than to listen."""
    romeo.send(chat(BALCONY, "1"))
    assert requests(juliet) == 0
    server.clock.advance(SOON)
    assert requests(juliet) == 1
    romeo.send(chat(BALCONY, "2"))
    server.clock.advance(SOON)
    assert requests(juliet) == 0  # it owes an answer
    ack(juliet, 1)
    server.clock.advance(SOON)
    assert requests(juliet) == 1  # for the second
    ack(juliet, 2)
    server.clock.advance(10 * SOON)
    assert requests(juliet) == 0


def test_4_a_client_is_asked_at_once_when_much_was_sent(juliet: Client, romeo: Client) -> None:
    romeo.send(numbered(1, AT_ONCE - 1, BALCONY))
    assert requests(juliet) == 0
    romeo.send(numbered(1, 3 * AT_ONCE, BALCONY))
    assert requests(juliet) == 1
    ack(juliet, AT_ONCE)
    assert requests(juliet) == 1  # there is as much again
    ack(juliet, 4 * AT_ONCE - 1)
    assert requests(juliet) == 0


def test_4_who_has_handled_nothing_more_is_not_asked_again_at_once(server, juliet, romeo) -> None:
    romeo.send(numbered(1, 3 * AT_ONCE, BALCONY))
    assert requests(juliet) == 1
    ack(juliet, AT_ONCE)
    assert requests(juliet) == 1
    for _ in range(3):
        ack(juliet, AT_ONCE)
        assert requests(juliet) == 0  # else both would ask and answer as fast as they can
    server.clock.advance(SOON)
    assert requests(juliet) == 1


def test_4_a_client_may_tell_unasked(server: Verona, juliet: Client, romeo: Client) -> None:
    romeo.send(numbered(1, 2, BALCONY))
    ack(juliet, 1)
    ack(juliet, 1)
    ack(juliet, 2)
    server.clock.advance(SOON)
    assert requests(juliet) == 0


def test_4_who_does_not_answer_in_time_keeps_nobody_waiting(server: Verona, juliet: Client) -> None:
    """The message is stored; the client may yet answer, or come back."""
    romeo, _ = managed(server, "romeo", "orchard")
    romeo.send(chat(BALCONY, "1") + REQUEST)
    assert romeo.one().get("h") == "0"
    for _ in range(2 + int(PATIENCE / SOON)):
        server.clock.advance(SOON)
    assert romeo.one().get("h") == "1"
    assert len(waiting(server, JULIET)) == 1
    ack(juliet, 1)
    assert waiting(server, JULIET) == []


def test_4_what_comes_for_who_is_late_is_stored_at_once(server: Verona, juliet: Client) -> None:
    romeo, _ = managed(server, "romeo", "orchard")
    romeo.send(chat(BALCONY, "1"))
    for _ in range(2 + int(PATIENCE / SOON)):
        server.clock.advance(SOON)
    romeo.send(chat(BALCONY, "2"))
    assert handled(romeo) == 2
    assert bodies(juliet) == ["1", "2"]
    ack(juliet, 2)
    assert waiting(server, JULIET) == []
    romeo.send(chat(BALCONY, "3") + REQUEST)
    assert romeo.one().get("h") == "2"  # it answers again, and is trusted to


# ---------------------------------------------------------------- §6


@pytest.mark.parametrize("sent", [0, 2])
@pytest.mark.parametrize("more", [1, 1_000, 2**31])
def test_6_nobody_can_have_handled_more_than_was_sent(
    server: Verona, juliet: Client, romeo: Client, sent: int, more: int
) -> None:
    if sent:
        romeo.send(numbered(1, sent, BALCONY))
    juliet.take()
    error = ack(juliet, sent + more).elements()[-1]
    assert condition(error) == "undefined-condition"
    too_high = error.find(f"{S}handled-count-too-high")
    assert too_high is not None
    assert too_high.attrib == {"h": str(sent + more), "send-count": str(sent)}
    assert juliet.closed
    # Nothing of it counts.
    assert len(waiting(server, JULIET)) == sent


def test_6_nor_less_than_before(juliet: Client, romeo: Client) -> None:
    romeo.send(numbered(1, 2, BALCONY))
    ack(juliet, 2)
    juliet.take()
    assert condition(ack(juliet, 1).elements()[-1]) == "undefined-condition"


@pytest.mark.parametrize(
    "h", ["", "h=''", "h='-1'", "h='+1'", "h='one'", "h='1.0'", "h='0x1'", f"h='{2**32}'"]
)
def test_4_h_is_a_number_of_32_bits(juliet: Client, h: str) -> None:
    assert condition(juliet.send(f"<a {SM} {h}/>").one()) == "policy-violation"
    assert juliet.closed


def test_4_h_is_written_in_latin_digits_and_bounded(server: Verona) -> None:
    for h in ("\u0661", "\u00b2", "9" * 100_000):
        juliet, _ = managed(server, "juliet", "balcony")
        assert condition(juliet.send(f"<a {SM} h='{h}'/>").elements()[-1]) == "policy-violation"


@pytest.mark.parametrize("element", [REQUEST, f"<a {SM} h='0'/>"])
def test_6_a_stream_that_is_not_managed_knows_no_acks(romeo: Client, element: str) -> None:
    assert condition(romeo.send(element).one()) == "unsupported-stanza-type"
    assert romeo.closed


# ---------------------------------------------------------------- bounds


@pytest.mark.parametrize("padding", [0, 3_900, 8_000, 40_000])
@pytest.mark.parametrize("away", [False, True])
def test_what_nobody_acknowledges_is_bounded(padding: int, away: bool) -> None:
    """In stanzas and in octets; the session ends, and its messages wait for the next."""
    bounds = {"queue": 10, "octets": 65_536} if padding == 0 else {"octets": 65_536}
    server = Verona(stream_management=bounds)
    juliet, _ = managed(server, "juliet", "balcony")
    romeo = server.log_in("romeo", "orchard")
    if away:
        juliet.hang_up()
    most = 10 if padding == 0 else 65_536 // padding
    filling = f"<x xmlns='urn:example:x'>{'x' * padding}</x>"
    for number in range(1, most + 1):
        romeo.send(chat(BALCONY, str(number), filling))
    server.clock.advance(0)
    assert server.host.directory.get(BALCONY) is not None
    romeo.send(chat(BALCONY, str(most + 1), filling))
    server.clock.advance(0)
    assert server.host.directory.get(BALCONY) is None
    if not away:
        assert condition(juliet.elements()[-1]) == "policy-violation"
    other = server.log_in("juliet", "chamber").send("<presence/>")
    server.clock.advance(1)
    assert bodies(other) == numbers(1, most + 1)


# ---------------------------------------------------------------- told unasked


def test_4_who_asked_too_early_is_told_when_all_is_handled(server: Verona, juliet: Client) -> None:
    romeo, _ = managed(server, "romeo", "orchard")
    romeo.send(numbered(1, 2, BALCONY) + REQUEST)
    assert [each.get("h") for each in romeo.elements()] == ["0"]
    ack(juliet, 1)
    assert romeo.elements() == []
    ack(juliet, 2)
    assert [each.get("h") for each in romeo.elements()] == ["2"]
    romeo.send(numbered(3, 3, BALCONY))
    ack(juliet, 3)
    assert romeo.elements() == []  # of that it has not asked


def test_4_who_goes_on_sending_is_told_now_and_then(server: Verona, juliet: Client) -> None:
    """Not of each: it will ask again."""
    romeo, _ = managed(server, "romeo", "orchard")
    romeo.send(numbered(1, 1, BALCONY) + REQUEST)
    told = []
    for number in range(1, 2 * UNASKED + 1):
        romeo.send(numbered(number + 1, number + 1, BALCONY))
        ack(juliet, number)
        told += [each.get("h") for each in romeo.elements() if each.tag == f"{S}a"]
    assert told == ["0", str(UNASKED), str(2 * UNASKED)]
