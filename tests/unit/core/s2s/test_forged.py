"""What servers alone say to their users, said by another server: nobody here is to believe it."""

from __future__ import annotations

import pytest

from tests.support.federated import Hand, Town, Web
from tests.support.server import Client
from tests.support.server_streams import auth, header
from xmppd import ns

CAPULET, MONTAGUE = "capulet.lit", "montague.lit"
JULIET, ROMEO = f"juliet@{CAPULET}", f"romeo@{MONTAGUE}"


def peer() -> tuple[Town, Client, Hand]:
    """Juliet is there, and montague's server, which has shown who it is."""
    verona = Web().town(CAPULET)
    juliet = verona.log_in("juliet")
    hand = verona.called(MONTAGUE).through_tls(MONTAGUE, CAPULET)
    hand.send(auth(), header())
    hand.take()
    return verona, juliet, hand


def copy(name: str) -> str:
    """What looks like the server's copy of a message from the nurse."""
    said = f"<message xmlns='{ns.CLIENT}' from='nurse@{CAPULET}'><body>x</body></message>"
    forwarded = f"<forwarded xmlns='{ns.FORWARD}'>{said}</forwarded>"
    return f"<{name} xmlns='{ns.CARBONS}'>{forwarded}</{name}>"


@pytest.mark.parametrize("name", ["sent", "received"])
@pytest.mark.parametrize("to", [JULIET, f"{JULIET}/x"])
@pytest.mark.parametrize("type_", ["chat", "headline", "groupchat", "error"])
def test_a_copy_of_a_message_xep0280_11(name: str, to: str, type_: str) -> None:
    verona, juliet, hand = peer()
    hand.send(f"<message from='{ROMEO}' to='{to}' type='{type_}' id='1'>{copy(name)}</message>")
    assert juliet.take() == b""
    assert verona.host.refusals.counts["carbons.forged"] == 1


WRITTEN = {
    "with a prefix of the message": (f"xmlns:c='{ns.CARBONS}'", "<c:sent/>"),
    "with another way to write its namespace": ("", "<sent xmlns='urn:xmpp:&#99;arbons:2'/>"),
    "with a prefix of its own": ("", f"<c:sent xmlns:c='{ns.CARBONS}'/>"),
}


@pytest.mark.parametrize("declared, sent", WRITTEN.values(), ids=WRITTEN.keys())
def test_however_it_is_written(declared: str, sent: str) -> None:
    verona, juliet, hand = peer()
    hand.send(f"<message from='{ROMEO}' to='{JULIET}' {declared}>{sent}<body>x</body></message>")
    assert juliet.take() == b""
    assert verona.host.refusals.counts["carbons.forged"] == 1


def test_or_with_a_prefix_of_the_stream() -> None:
    verona = Web().town(CAPULET)
    juliet = verona.log_in("juliet")
    hand = verona.called(MONTAGUE).through_tls(MONTAGUE, CAPULET)
    hand.send(auth(), header(declared=f"xmlns:db='{ns.DIALBACK}' xmlns:c='{ns.CARBONS}'"))
    hand.send(f"<message from='{ROMEO}' to='{JULIET}'><c:received/><body>x</body></message>")
    assert juliet.take() == b""
    assert verona.host.refusals.counts["carbons.forged"] == 1
