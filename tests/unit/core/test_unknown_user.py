"""Whoever asks learns nothing of which accounts there are (RFC 6121 §8.5.1, RFC 6120 §13.11).

But for messages that are kept for who is offline: they can't be kept for nobody.
"""

from __future__ import annotations

import pytest

from tests.support.server import DOMAIN, Verona
from xmppd import ns

SENT = (
    "<message to='{0}' id='1' type='chat'><active xmlns='http://jabber.org/protocol/chatstates'/>"
    "</message>",
    "<message to='{0}' id='1'><body>x</body><no-store xmlns='urn:xmpp:hints'/></message>",
    "<message to='{0}' id='1'><x xmlns='urn:x:y'/><no-store xmlns='urn:xmpp:hints'/></message>",
    "<message to='{0}' id='1' type='chat'/>",
    "<message to='{0}' id='1' type='groupchat'/>",
    "<message to='{0}' id='1' type='headline'/>",
    "<message to='{0}' id='1' type='error'/>",
    "<presence to='{0}' id='1'/>",
    "<presence to='{0}' id='1' type='probe'/>",
    "<presence to='{0}' id='1' type='subscribe'/>",
    "<iq to='{0}' id='1' type='get'><ping xmlns='urn:xmpp:ping'/></iq>",
    f"<iq to='{{0}}' id='1' type='get'><query xmlns='{ns.DISCO_INFO}'/></iq>",
    f"<iq to='{{0}}' id='1' type='get'><query xmlns='{ns.DISCO_ITEMS}'/></iq>",
    f"<iq to='{{0}}' id='1' type='get'><query xmlns='{ns.REGISTER}'/></iq>",
    f"<iq to='{{0}}' id='1' type='get'><query xmlns='{ns.LAST}'/></iq>",
    "<iq to='{0}' id='1' type='set'><x xmlns='urn:example:x'/></iq>",
    "<iq to='{0}' id='1' type='result'/>",
)


@pytest.mark.parametrize("resource", ["", "/balcony"])
@pytest.mark.parametrize("sent", SENT)
def test_nobody_can_tell_an_unknown_user_from_an_offline_one_rfc6121_8_5_1(
    sent: str, resource: str
) -> None:
    server = Verona()
    romeo = server.log_in("romeo")
    romeo.send("<presence/>").take()
    answers = []
    for name in ("juliet", "nobody"):
        romeo.send(sent.format(f"{name}@{DOMAIN}{resource}"))
        answers.append(romeo.take().replace(name.encode(), b"somebody"))
    assert answers[0] == answers[1]


def test_a_message_that_nobody_takes_is_answered_rfc6121_8_5_1() -> None:
    romeo = Verona().log_in("romeo")
    romeo.send(f"<message to='nobody@{DOMAIN}' id='1' type='chat'><body>x</body></message>")
    assert b"<service-unavailable" in romeo.take()
