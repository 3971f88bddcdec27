"""The kit at xmppd itself, both in memory: what one end says is what the other understands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from components.common.delegation import Delegation
from components.common.disco import Identity, Info
from components.common.multicast import Multicast
from components.common.stanza import Stanza
from tests.support.meeting import VCARD, Meeting
from tests.support.server import condition
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID

TEMP = "vcard-temp"


def delegated(answer: Callable[[Stanza], Any]) -> Meeting:
    meeting = Meeting(delegation={TEMP: ()})
    delegation = Delegation(meeting.component, meeting.disco)
    delegation.iq("get", f"{TEMP} vCard", answer)
    delegation.namespace(TEMP, features=[TEMP, "urn:more"])
    meeting.start()
    assert delegation.has(TEMP)
    return meeting


def test_they_agree_on_acknowledgements() -> None:
    meeting = Meeting().start()
    assert meeting.component.link.connected
    assert meeting.component.link.session.id


def test_a_delegated_request_is_answered_as_if_by_the_server() -> None:
    """XEP-0355 §4.3."""
    card = b"<vCard xmlns='vcard-temp'><FN>Romeo</FN></vCard>"
    meeting = delegated(lambda s: card if s.to == "romeo@capulet.lit" else None)
    juliet = meeting.server.log_in("juliet", "balcony")
    juliet.send(f"<iq type='get' id='1' to='romeo@capulet.lit'><vCard xmlns='{TEMP}'/></iq>")
    meeting.pump()
    got = juliet.one()
    assert (got.get("type"), got.get("from"), got[0][0].text) == (
        "result",
        "romeo@capulet.lit",
        "Romeo",
    )


def test_a_delegated_request_is_refused_as_if_by_the_server() -> None:
    def refuse(stanza: Stanza) -> None:
        raise StanzaError("item-not-found", reason="stanza.node")

    meeting = delegated(refuse)
    juliet = meeting.server.log_in("juliet", "balcony")
    juliet.send(f"<iq type='get' id='1'><vCard xmlns='{TEMP}'/></iq>")
    meeting.pump()
    assert condition(juliet.one()) == "item-not-found"


def test_what_it_can_do_is_what_the_server_can_do() -> None:
    """XEP-0355 §7.2."""
    meeting = delegated(lambda s: None)
    juliet = meeting.server.log_in("juliet", "balcony")
    answer = juliet.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to="capulet.lit")
    assert "urn:more" in {e.get("var") for e in answer[0]}


def test_one_stanza_reaches_many() -> None:
    """XEP-0033: in blind copy, so nobody sees who else has it."""
    meeting = Meeting(multicast=10)
    multicast = Multicast(meeting.component)
    meeting.start()
    assert multicast.available
    people = [meeting.server.log_in("juliet", str(n)) for n in range(5)]
    multicast.send([JID.parse(p.jid) for p in people], "message", b"<body>hi</body>")
    assert meeting.line.written.count(b"<message ") == 1
    meeting.pump()
    for person in people:
        got = person.one()
        assert got.get("from") == VCARD and ns.ADDRESS not in {e.tag for e in got.iter()}
        assert got.findtext(f"{{{ns.CLIENT}}}body") == "hi"


def test_whatever_many_addresses_are_like_the_server_takes_what_is_sent_to_them() -> None:
    """Anybody may have a resource of a thousand quotation marks, each written as six octets."""
    meeting = Meeting(multicast=1_000)
    multicast = Multicast(meeting.component)
    meeting.start()
    juliet = meeting.server.log_in("juliet", "balcony")
    crowd = [JID.parse(f"romeo@capulet.lit/{chr(39) * 1_000}{n}") for n in range(1_000)]
    multicast.send([*crowd, JID.parse(juliet.jid)], "message", b"<body>hi</body>", type_="headline")
    meeting.pump()
    assert not meeting.wire.closed
    assert juliet.one().findtext(f"{{{ns.CLIENT}}}body") == "hi"


@pytest.mark.parametrize("handled", [True, False])
def test_nothing_is_lost_or_doubled_with_a_connection(handled: bool) -> None:
    """XEP-0198 §5, whether what was under way arrives before it or not."""
    meeting = Meeting()
    component = meeting.component

    def echo(message: Stanza) -> None:
        component.message(message.sender, message.inner, sender=message.to)

    component.on_message(echo)
    meeting.start()
    juliet = meeting.server.log_in("juliet", "balcony")
    for number in range(3):
        juliet.send(f"<message to='{VCARD}'><body>{number}</body></message>")
        if number == 1:
            if handled:  # the answers are lost, or the messages are
                meeting.line.protocol.dataReceived(meeting.wire.take())
            meeting.cut()
    meeting.come_back()
    bodies = [e.findtext(f"{{{ns.CLIENT}}}body") for e in juliet.elements()]
    assert bodies == ["0", "1", "2"]


def test_accounts_can_do_what_it_says_of_them() -> None:
    meeting = Meeting(delegation={TEMP: ()})
    delegation = Delegation(meeting.component, meeting.disco)
    delegation.namespace(TEMP, bare=Info([Identity("pubsub", "pep")], ["urn:bare"]))
    meeting.start()
    juliet = meeting.server.log_in("juliet", "balcony")
    answer = juliet.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to="juliet@capulet.lit")
    assert "urn:bare" in {e.get("var") for e in answer[0]}
