"""RFC 6120 §8 and §10, RFC 6121 §8 and §4.7, from the outside: a stanza in, what becomes of it."""

from __future__ import annotations

import pytest

from tests.support.server import DOMAIN, Client, Verona, condition
from xmppd import ns
from xmppd.errors import STANZA_CONDITIONS

PAYLOAD = "<poison xmlns='urn:apothecary'/>"
BODY = "<body>O Romeo</body>"
JULIET = f"juliet@{DOMAIN}"
ROMEO = f"romeo@{DOMAIN}"
NOBODY = f"paris@{DOMAIN}"


class House:
    """Juliet, and Romeo at two places: his window has the higher priority."""

    def __init__(self) -> None:
        server = Verona()
        self.juliet = server.log_in("juliet", "balcony")
        self.street = server.log_in("romeo", "street")
        self.window = server.log_in("romeo", "window")
        self.street.send("<presence/>")
        self.window.send("<presence><priority>5</priority></presence>")
        self.gather()

    def gather(self) -> list[Client]:
        """Who got anything, and nothing is left."""
        return [c for c in (self.juliet, self.street, self.window) if c.take()]


@pytest.fixture
def house() -> House:
    return House()


# ---------------------------------------------------------------- refused


REFUSED = {
    "8.2.3 no id": (f"<iq type='get'>{PAYLOAD}</iq>", "bad-request", "modify"),
    "8.2.3 no type": (f"<iq id='i'>{PAYLOAD}</iq>", "bad-request", "modify"),
    "8.2.3 no such type": (f"<iq id='i' type='ask'>{PAYLOAD}</iq>", "bad-request", "modify"),
    "8.2.3 no child": ("<iq id='i' type='get'/>", "bad-request", "modify"),
    "8.2.3 two": (f"<iq id='i' type='set'>{PAYLOAD}{PAYLOAD}</iq>", "bad-request", "modify"),
    "8.4 unknown": (f"<iq id='i' type='get'>{PAYLOAD}</iq>", "service-unavailable", "cancel"),
    "8.3.3.8 to": (f"<message to='@{DOMAIN}'>{BODY}</message>", "jid-malformed", "modify"),
    "8.1.1 empty to": (f"<message to=''>{BODY}</message>", "jid-malformed", "modify"),
    "10.4 remote": ("<message to='a@mantua.lit'/>", "remote-server-not-found", "cancel"),
    "10.5.1 host": (f"<message to='{DOMAIN}'/>", "service-unavailable", "cancel"),
    "10.5.2 host/x": (
        f"<iq id='i' type='get' to='{DOMAIN}/x'>{PAYLOAD}</iq>",
        "service-unavailable",
        "cancel",
    ),
    "6121 8.5.1 message": (
        f"<message to='{NOBODY}'>{BODY}</message>",
        "service-unavailable",
        "cancel",
    ),
    "6121 8.5.1 iq": (
        f"<iq id='i' type='get' to='{NOBODY}'><ping xmlns='{ns.PING}'/></iq>",
        "service-unavailable",
        "cancel",
    ),
    "6121 8.5.2.1.1 groupchat": (
        f"<message type='groupchat' to='{ROMEO}'/>",
        "service-unavailable",
        "cancel",
    ),
    "6121 8.5.3.2 gone": (f"<message to='{ROMEO}/gone'/>", "service-unavailable", "cancel"),
    "6121 4.7.1 type": (f"<presence type='away' to='{ROMEO}'/>", "bad-request", "modify"),
    "6121 4.7.2.3": ("<presence><priority>128</priority></presence>", "bad-request", "modify"),
}


@pytest.mark.parametrize(("sent", "expected", "kind"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_comes_back_once_as_an_error(house, sent, expected, kind):
    house.juliet.send(sent)
    answer = house.juliet.one()
    assert answer.get("type") == "error"
    assert condition(answer) == expected
    error = answer.find("{*}error")
    assert (error.get("type"), error.get("code")) == (kind, str(STANZA_CONDITIONS[expected].code))
    assert answer.get("to") == f"{JULIET}/balcony"
    assert answer.get("id") == ("i" if " id='i'" in sent else None)  # §8.3.1, rule 2
    assert house.gather() == []


DROPPED = {
    "8.3.1 an error for nobody": f"<message type='error' to='{NOBODY}'/>",
    "8.3.1 an error to the server": f"<iq type='error' id='i' to='{DOMAIN}'/>",
    "8.2.3 a result for a request that is none": f"<iq type='result' id='i' to='{DOMAIN}'/>",
    "8.2.3 a result for who is gone": f"<iq type='result' id='i' to='{ROMEO}/gone'/>",
    "8.3.1 an error abroad": "<message type='error' to='a@mantua.lit'/>",
    "6121 8.5.1 presence": f"<presence to='{NOBODY}'/>",
    "6121 8.5.1 subscribe": f"<presence type='subscribe' to='{NOBODY}'/>",
    "6121 8.5.2.1.1 an error for an account": f"<message type='error' to='{ROMEO}'/>",
    "6121 8.5.3.2.2 presence for who is gone": f"<presence to='{ROMEO}/gone'/>",
    "6121 8.5.2.2.1 a headline for nobody": f"<message type='headline' to='{NOBODY}'/>",
}


@pytest.mark.parametrize("sent", DROPPED.values(), ids=DROPPED.keys())
def test_what_is_dropped_is_dropped_without_a_word(house, sent):
    house.juliet.send(sent)
    assert house.gather() == []
    assert not house.juliet.closed


# ---------------------------------------------------------------- delivered


DELIVERED = {
    "8.5.2.1.1 chat": (f"<message type='chat' to='{ROMEO}'/>", ["window"]),
    "8.5.2.1.1 normal": (f"<message to='{ROMEO}'/>", ["window"]),
    "5.2.2 a type unknown": (f"<message type='sigh' to='{ROMEO}'/>", ["window"]),
    "8.5.2.1.1 headline": (f"<message type='headline' to='{ROMEO}'/>", ["street", "window"]),
    "8.5.2.1.2 presence": (f"<presence to='{ROMEO}'/>", ["street", "window"]),
    "8.5.3.1 full": (f"<message to='{ROMEO}/street'/>", ["street"]),
    "8.5.3.1 full, iq": (f"<iq type='get' id='i' to='{ROMEO}/street'>{PAYLOAD}</iq>", ["street"]),
    "8.5.3.2.1 chat to who is gone": (f"<message type='chat' to='{ROMEO}/gone'/>", ["window"]),
    "RFC 6122 another spelling": ("<message to='ROMEO@CAPULET.LIT/street'/>", ["street"]),
}


@pytest.mark.parametrize(("sent", "places"), DELIVERED.values(), ids=DELIVERED.keys())
def test_6121_8_5_what_is_delivered_reaches_whom_it_should(house, sent, places):
    house.juliet.send(sent)
    assert [c.jid.resource for c in house.gather()] == places


def test_8_1_what_arrives_is_what_was_sent_with_from_stamped(house):
    house.juliet.send(
        f"<message to='{ROMEO}/street' id='m1' type='chat' xml:lang='it'>"
        f"<body xml:lang='en'>&lt;&#x26;]]&gt;</body><x xmlns='urn:apothecary'/></message>"
    )
    got = house.street.one()
    assert dict(got.attrib) == {
        "from": f"{JULIET}/balcony",
        "to": f"{ROMEO}/street",
        "id": "m1",
        "type": "chat",
        "{http://www.w3.org/XML/1998/namespace}lang": "it",
    }
    assert [child.tag for child in got] == [f"{{{ns.CLIENT}}}body", "{urn:apothecary}x"]
    assert got[0].text == "<&]]>"


@pytest.mark.parametrize("own", ["", f" from='{JULIET}'", f" from='{JULIET}/balcony'"])
def test_8_1_2_1_the_full_jid_is_stamped_whatever_of_ones_own_was_said(house, own):
    house.juliet.send(f"<message to='{ROMEO}/street'{own}/>")
    assert house.street.one().get("from") == f"{JULIET}/balcony"


def test_8_1_2_1_another_resource_of_ones_own_is_not_oneself(house):
    house.juliet.send(f"<message from='{JULIET}/garden' to='{ROMEO}'/>")
    assert condition(house.juliet.one()) == "invalid-from"
    assert house.gather() == []


def test_10_3_1_a_message_without_to_is_for_ones_own_account(house):
    house.street.send("<message><body>to myself</body></message>")
    assert house.gather() == [house.window]


def test_8_2_3_a_request_between_clients_gets_its_one_reply(house):
    house.juliet.send(f"<iq type='get' id='i' to='{ROMEO}/street'>{PAYLOAD}</iq>")
    asked = house.street.one()
    house.street.send(f"<iq type='result' id='i' to='{asked.get('from')}'/>")
    answer = house.juliet.one()
    assert (answer.get("type"), answer.get("id")) == ("result", "i")
    assert answer.get("from") == f"{ROMEO}/street"


@pytest.mark.parametrize("account", [ROMEO, NOBODY])
def test_6121_8_5_1_a_stranger_cant_ping_an_account_out_of_hiding(house, account):
    answer = house.juliet.ask(f"<ping xmlns='{ns.PING}'/>", to=account)
    assert condition(answer) == "service-unavailable"


def test_10_5_2_a_resource_of_the_server_answers_nothing_that_the_server_does():
    client = Verona().log_in("juliet")
    ping = f"<ping xmlns='{ns.PING}'/>"
    assert client.ask(ping, to=DOMAIN).get("type") == "result"
    assert condition(client.ask(ping, to=f"{DOMAIN}/x")) == "service-unavailable"


def test_8_1_5_a_stream_lends_its_language_to_stanzas_that_have_none():
    server = Verona()
    romeo = server.log_in("romeo", "orchard")
    juliet = server.connect().open().authenticate("juliet").open(**{"xml:lang": "fr"})
    juliet.bind("balcony")
    for said, expected in (("", "fr"), (" xml:lang='it'", "it")):
        juliet.send(f"<message to='{ROMEO}/orchard'{said}>{BODY}</message>")
        assert romeo.one().get("{http://www.w3.org/XML/1998/namespace}lang") == expected


@pytest.mark.parametrize("to", [NOBODY, ROMEO])
@pytest.mark.parametrize("payload", [f"<ping xmlns='{ns.PING}'/>", f"<bind xmlns='{ns.BIND}'/>"])
def test_6121_8_5_1_the_wrong_type_tells_no_stranger_what_an_account_answers(to, payload):
    client = Verona().log_in("juliet")
    for type_ in ("get", "set"):
        assert condition(client.ask(payload, type_, to)) == "service-unavailable"


def test_8_4_the_wrong_type_is_not_allowed_at_the_server_and_at_ones_own_account():
    client = Verona().log_in("juliet")
    for to in (DOMAIN, JULIET, None):
        answer = client.ask(f"<ping xmlns='{ns.PING}'/>", "set", to)
        assert condition(answer) == "not-allowed"


def test_copies_for_several_sessions_are_charged_to_their_sender():
    """A few octets to oneself, from a resource of a thousand, must not make a flood."""
    server = Verona()
    many = [server.log_in("romeo", f"{n}{'&' * 1_000}") for n in range(5)]
    for client in many:
        client.send("<presence/>").take()
    juliet = server.log_in("juliet")
    juliet.send(f"<message to='{ROMEO}'/>")
    copies = [len(client.take()) for client in many]
    assert min(copies) > 0
    many[0].send("<message/>")
    made = sum(len(client.take()) for client in many)
    assert made > 5 * 5_000
    assert many[0].charged > made / 2
    assert juliet.charged > 0
    many[0].send(f"<message to='{JULIET}'/>")
    assert juliet.charged < made / 2


def test_one_copy_costs_no_more_than_it_was():
    server = Verona()
    server.log_in("romeo", "orchard").send("<presence/>")
    juliet = server.log_in("juliet")
    for to in (ROMEO, f"{ROMEO}/orchard"):
        juliet.send(f"<message to='{to}'>{BODY}</message>")
    assert juliet.charged == 0
