"""Nobody waits for a client that is away longer than can be of use (XEP-0198 §4, §5)."""

from __future__ import annotations

import pytest

from tests.support.server import DOMAIN, Client, Verona
from xmppd import ns

JULIET, PHONE = f"juliet@{DOMAIN}", f"juliet@{DOMAIN}/phone"
SM = f"xmlns='{ns.STREAM_MANAGEMENT}'"
S = f"{{{ns.STREAM_MANAGEMENT}}}"


def managed(server: Verona, name: str, resource: str) -> tuple[Client, str]:
    """A client with a managed session, and the SM-ID of that."""
    client = server.log_in(name, resource)
    enabled = client.send(f"<enable {SM} resume='true'/>").one()
    return client, enabled.attrib["id"]


def resumed(server: Verona, name: str, id_: str, h: int) -> dict[str, str]:
    """What the server answers who comes back."""
    client = server.connect().open().authenticate(name).open()
    client.take()
    client.send(f"<resume {SM} previd='{id_}' h='{h}'/>")
    answer = client.elements()[0]
    assert answer.tag == f"{S}resumed"
    return dict(answer.attrib)


def test_5_who_comes_back_does_not_wait_for_presence_that_only_he_has_not_acknowledged() -> None:
    server = Verona()
    phone, id_ = managed(server, "juliet", "phone")
    phone.send("<presence/>")
    phone.hang_up()
    assert resumed(server, "juliet", id_, 0)["h"] == "1"


@pytest.mark.parametrize(
    "stanza",
    [
        f"<presence to='{PHONE}'/>",
        f"<iq type='get' id='1' to='{PHONE}'><query xmlns='urn:x'/></iq>",
        f"<message to='{PHONE}' type='headline'><body>news</body></message>",
        f"<message to='{PHONE}' type='groupchat'><body>all</body></message>",
        f"<message to='{PHONE}' type='chat'><active xmlns='{ns.CHAT_STATES}'/></message>",
        f"<message to='{PHONE}'><body>psst</body><no-store xmlns='{ns.HINTS}'/></message>",
        f"<message to='{PHONE}'><body>kept</body></message>",
    ],
)
@pytest.mark.parametrize("away", ["before", "after"])
def test_4_what_waits_for_a_client_that_is_away_is_handled(stanza: str, away: str) -> None:
    """It has it when it comes back, and its sender need not wait for that."""
    server = Verona()
    phone, id_ = managed(server, "juliet", "phone")
    romeo, _ = managed(server, "romeo", "orchard")
    if away == "before":
        phone.hang_up()
    romeo.send(stanza)
    if away == "after":
        phone.hang_up()
    assert romeo.send(f"<r {SM}/>").one().attrib == {"h": "1"}
    later = server.connect().open().authenticate("juliet").open()
    later.take()
    later.send(f"<resume {SM} previd='{id_}' h='0'/>")
    assert [element.get("from") for element in later.elements()[1:-1]] == [
        f"romeo@{DOMAIN}/orchard"
    ]


def test_4_a_message_that_a_client_has_is_handled_when_it_says_so() -> None:
    server = Verona()
    phone, _ = managed(server, "juliet", "phone")
    romeo, _ = managed(server, "romeo", "orchard")
    romeo.send(f"<message to='{PHONE}'><body>one</body></message><r {SM}/>")
    assert romeo.one().attrib == {"h": "0"}
    phone.send(f"<a {SM} h='1'/>")
    assert romeo.one().attrib == {"h": "1"}
