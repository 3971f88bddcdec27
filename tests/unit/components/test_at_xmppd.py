"""The kit at xmppd itself, both in memory: what one end says is what the other understands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from components.common.about import About, introduce
from components.common.component import Component
from components.common.delegation import Delegation
from components.common.disco import Identity, Info
from components.common.multicast import Multicast
from components.common.stanza import Stanza
from components.common.stream import Identity as Account
from tests.support.components import SECRET, table
from tests.support.components import Component as Wire
from tests.support.kit import Line
from tests.support.server import Verona, condition
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID

VCARD = "vcard.capulet.lit"
TEMP = "vcard-temp"


class Meeting:
    """A component of the kit and a server; `pump` brings to each what the other has written."""

    def __init__(self, **grants: Any) -> None:
        self.server = Verona(components={VCARD: table(**grants)})
        self.wire: Wire
        self.line: Line
        account = Account(VCARD, SECRET)
        self.component = Component(account, ["capulet.lit"], self, self.server.clock)
        self.disco = introduce(self.component, About(Identity("component", "generic")))

    def connect(self, factory: Any) -> Deferred[Any]:
        self.wire = Wire(self.server, VCARD)
        self.line = Line(factory.buildProtocol(None))
        connected: Deferred[Any] = Deferred()
        connected.callback(self.line.protocol)
        return connected

    def start(self) -> Meeting:
        self.component.start()
        return self.pump()

    def pump(self) -> Meeting:
        while self.line.up and not self.wire.closed:
            written, self.line.written = self.line.written, b""
            if written:
                self.wire.send(written)
            answered = self.wire.take()
            if answered:
                self.line.protocol.dataReceived(answered)
            if not written and not answered:
                break
        return self

    def cut(self) -> None:
        """Lose the connection, and what is on its way."""
        self.wire.hang_up()
        self.line.cut()

    def come_back(self) -> None:
        self.server.clock.advance(2)
        self.pump()


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
