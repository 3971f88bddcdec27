"""Message Carbons (XEP-0280): which messages are copied, to whom, and who may not forge them."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from tests.support.offline import bodies, chat, messages
from tests.support.people import JULIET, NURSE, ROMEO, C
from tests.support.privacy import block, do, put_list, rule
from tests.support.server import DOMAIN, Client, Verona, condition
from tests.support.sessions import read
from xmppd import ns
from xmppd.jid import JID
from xmppd.modules.carbons import RECENT

K = f"{{{ns.CARBONS}}}"
F = f"{{{ns.FORWARD}}}"
ENABLE, DISABLE = (f"<{verb} xmlns='{ns.CARBONS}'/>" for verb in ("enable", "disable"))
PRIVATE = f"<private xmlns='{ns.CARBONS}'/>"
BODY = "<body>x</body>"
BALCONY, ORCHARD = f"{JULIET}/balcony", f"{ROMEO}/orchard"


@pytest.fixture
def server() -> Verona:
    return Verona(accounts=("juliet", "romeo", "nurse"))


@pytest.fixture
def juliet(server: Verona) -> Client:
    """Juliet's client that messages are sent to and from, without carbons."""
    return there(server, "juliet", "balcony", carbons=False)


@pytest.fixture
def chamber(server: Verona, juliet: Client) -> Client:
    """Her other one, which wants copies."""
    return there(server, "juliet", "chamber")


@pytest.fixture
def romeo(server: Verona) -> Client:
    return there(server, "romeo", "orchard", carbons=False)


def there(
    server: Verona, name: str, resource: str, priority: int = 0, *, carbons: bool = True
) -> Client:
    """A client that is available, and gets copies."""
    client = server.log_in(name, resource)
    if carbons:
        assert client.ask(ENABLE, "set").get("type") == "result"
    client.send(f"<presence><priority>{priority}</priority></presence>")
    client.take()
    return client


def copies(client: Client) -> list[tuple[str, str | None]]:
    """What came: ("sent" or "received", the original's body); ("", body) of what is no copy."""
    return [_short(message) for message in messages(client)]


def _short(message: Element) -> tuple[str, str | None]:
    for name in ("sent", "received"):
        original = message.find(f"{K}{name}/{F}forwarded/{C}message")
        if original is not None:
            return name, original.findtext(f"{C}body")
    return "", message.findtext(f"{C}body")


# ---------------------------------------------------------------- §3 to §5, §10.1


def test_3_6_2_the_server_tells_of_it_and_of_the_rules_that_it_keeps(juliet: Client) -> None:
    answer = juliet.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to=DOMAIN)
    told = {feature.get("var") for feature in answer.iter(f"{{{ns.DISCO_INFO}}}feature")}
    assert {ns.CARBONS, "urn:xmpp:carbons:rules:0"} <= told


@pytest.mark.parametrize("to", [None, JULIET])
def test_4_5_10_1_they_are_switched_on_and_off_as_often_as_one_likes(
    server: Verona, juliet: Client, romeo: Client, to: str | None
) -> None:
    other = there(server, "juliet", "chamber", carbons=False)

    def copied() -> bool:
        romeo.send(chat(BALCONY, "x"))
        return copies(other) == [("received", "x")]

    assert not copied()
    for verb, on in ((DISABLE, False), (ENABLE, True), (ENABLE, True), (DISABLE, False)) * 2:
        answer = other.ask(verb, "set", to)
        assert (answer.get("type"), len(answer)) == ("result", 0)
        assert copied() is on


@pytest.mark.parametrize("verb", [ENABLE, DISABLE])
def test_4_1_5_1_nobody_switches_them_for_another(
    juliet: Client, chamber: Client, romeo: Client, verb: str
) -> None:
    assert condition(romeo.ask(verb, "set", JULIET)) == "not-allowed"
    assert condition(romeo.ask(verb, "set", DOMAIN)) == "service-unavailable"
    romeo.send(chat(BALCONY, "x"))
    assert copies(chamber) == [("received", "x")]
    assert copies(romeo) == []


def test_4_only_the_session_that_asked_gets_them_and_only_while_it_is_there(
    server: Verona, juliet: Client, chamber: Client, romeo: Client
) -> None:
    garden = there(server, "juliet", "garden", carbons=False)
    romeo.send(chat(BALCONY, "1"))
    assert (copies(chamber), copies(garden)) == ([("received", "1")], [])
    chamber.send("</stream:stream>")
    again = there(server, "juliet", "chamber", carbons=False)
    romeo.send(chat(BALCONY, "2"))
    assert copies(again) == []


def test_who_asks_for_none_pays_nothing(server: Verona, juliet: Client) -> None:
    hooks = server.host.hooks
    before = hooks.client_message.handlers, hooks.account_message.handlers
    first, second = there(server, "juliet", "chamber"), there(server, "romeo", "street")
    assert (hooks.client_message.handlers, hooks.account_message.handlers) != before
    first.hang_up()
    second.ask(DISABLE, "set")
    assert (hooks.client_message.handlers, hooks.account_message.handlers) == before


# ---------------------------------------------------------------- §6.1


def eligible_kinds() -> list[tuple[str, str, bool, bool]]:
    """Type, content, whether it is copied where it is sent, and where it is received."""
    muc = f"<x xmlns='{ns.MUC_USER}'/>"
    invitation = f"<x xmlns='{ns.MUC_USER}'><invite to='{JULIET}'/></x>"
    im = [
        f"<received xmlns='{ns.RECEIPTS}' id='1'/>",
        f"<request xmlns='{ns.RECEIPTS}'/>",
        f"<composing xmlns='{ns.CHAT_STATES}'/>",
        f"<displayed xmlns='{ns.CHAT_MARKERS}' id='1'/>",
        f"<x xmlns='{ns.CONFERENCE}' jid='coven@chat.shakespeare.lit'/>",
    ]
    other = ["", "<subject>x</subject>", "<x xmlns='urn:example:x'/>"]
    hint = f"<no-copy xmlns='{ns.HINTS}'/>"
    return [
        *(("chat", inner, True, True) for inner in (BODY, *im, *other)),
        *((type_, BODY, True, True) for type_ in ("normal", "", "unheard-of")),
        *(("normal", inner, True, True) for inner in im),
        *(("normal", inner, False, False) for inner in other),
        # from a full JID, a room's: the room tells each client itself
        ("chat", BODY + muc, True, False),
        ("normal", invitation, True, False),
        *((type_, BODY, False, False) for type_ in ("groupchat", "headline", "error")),
        *(("groupchat", inner, False, False) for inner in im),
        *(("headline", inner, True, True) for inner in im),
        *(("error", inner, False, False) for inner in im),  # about no message that was copied
        # §9, XEP-0334 §4.3
        ("chat", BODY + PRIVATE, False, False),
        ("chat", BODY + hint, False, False),
        ("normal", im[-1] + PRIVATE, False, False),
    ]


@pytest.mark.parametrize(("type_", "inner", "sent", "received"), eligible_kinds())
def test_6_1_which_messages_are_copied(
    server: Verona,
    juliet: Client,
    chamber: Client,
    romeo: Client,
    type_: str,
    inner: str,
    sent: bool,
    received: bool,
) -> None:
    street = there(server, "romeo", "street")
    named = f" type='{type_}'" if type_ else ""
    romeo.send(f"<message to='{BALCONY}'{named}>{inner}</message>")
    assert len(messages(juliet)) == 1
    assert [name for name, _ in copies(street)] == ["sent"] * sent
    assert [name for name, _ in copies(chamber)] == ["received"] * received


def test_6_1_an_invitation_by_a_room_is_copied(
    server: Verona, juliet: Client, chamber: Client
) -> None:
    invitation = f"<x xmlns='{ns.MUC_USER}'><invite from='{ORCHARD}'/></x>"
    stanza = read(f"<message to='{BALCONY}'>{invitation}</message>")
    stanza.sender, stanza.to = JID.parse("coven@chat.shakespeare.lit"), JID.parse(BALCONY)
    server.host.router.route(stanza)
    assert len(messages(juliet)) == 1
    assert [name for name, _ in copies(chamber)] == ["received"]


def error(to: str, id_: str) -> str:
    failed = f"<error type='cancel'><gone xmlns='{ns.STANZA_ERRORS}'/></error>"
    return f"<message to='{to}' type='error' id='{id_}'>{failed}</message>"


def test_6_1_an_error_about_what_was_sent_follows_it(
    server: Verona, juliet: Client, chamber: Client, romeo: Client
) -> None:
    juliet.send(
        chat(ORCHARD, "1") + f"<message to='{ORCHARD}' type='headline' id='2'>{BODY}</message>"
    )
    assert copies(chamber) == [("sent", "1")]
    for id_ in ("1", "2", "3"):
        romeo.send(error(BALCONY, id_))
    assert len(messages(juliet)) == 3
    (copy,) = messages(chamber)
    original = copy.find(f"{K}received/{F}forwarded/{C}message")
    assert original is not None
    assert (original.get("type"), original.get("id")) == ("error", "1")
    assert condition(original) == "gone"


def test_6_1_so_does_the_servers_own(juliet: Client, chamber: Client) -> None:
    juliet.send(chat("nobody@nowhere.lit", "1"))
    assert condition(messages(juliet)[0]) == "remote-server-not-found"
    assert [name for name, _ in copies(chamber)] == ["sent", "received"]


def test_6_1_so_does_one_whose_client_is_gone(
    server: Verona, juliet: Client, chamber: Client, romeo: Client
) -> None:
    juliet.send(chat(ORCHARD, "1") + "</stream:stream>")
    chamber.take()
    romeo.send(error(BALCONY, "1") + error(JULIET, "1"))
    assert [name for name, _ in copies(chamber)] == ["received"] * 2


def test_6_1_an_error_about_what_was_received_follows_it_too(
    server: Verona, juliet: Client, chamber: Client, romeo: Client
) -> None:
    romeo.send(chat(BALCONY, "1"))
    chamber.take()
    juliet.send(error(ORCHARD, "1") + error(ORCHARD, "2"))
    assert [name for name, _ in copies(chamber)] == ["sent"]


def test_6_1_an_error_by_somebody_else_is_about_nothing(
    server: Verona, juliet: Client, chamber: Client, romeo: Client
) -> None:
    nurse = there(server, "nurse", "kitchen", carbons=False)
    juliet.send(chat(ORCHARD, "1") + chat(ORCHARD, "").replace(" id=''", ""))
    chamber.take()
    nurse.send(error(BALCONY, "1"))
    romeo.send(error(BALCONY, ""))
    assert copies(chamber) == []


def test_6_1_so_many_messages_are_remembered(
    server: Verona, juliet: Client, chamber: Client, romeo: Client
) -> None:
    for number in range(RECENT + 1):
        juliet.send(chat(ORCHARD, str(number)))
    chamber.take()
    romeo.send(error(BALCONY, "0") + error(BALCONY, "1"))
    assert len(copies(chamber)) == 1


def test_6_1_nothing_is_remembered_for_who_wants_no_more_copies(
    juliet: Client, chamber: Client, romeo: Client
) -> None:
    juliet.send(chat(ORCHARD, "1"))
    chamber.ask(DISABLE, "set")
    chamber.ask(ENABLE, "set")
    romeo.send(error(BALCONY, "1"))
    assert copies(chamber) == []


def test_6_1_a_headline_without_a_body_for_people_is_copied_to_who_does_not_get_it(
    server: Verona, juliet: Client, chamber: Client, romeo: Client
) -> None:
    """All who are available get one that is for the account (RFC 6121 §8.5.2.1.1)."""
    away = there(server, "juliet", "hall", -1)
    for to, copied in (
        (JULIET, [away]),
        (BALCONY, [chamber, away]),
        (f"{JULIET}/x", [chamber, away]),
    ):
        romeo.send(
            f"<message to='{to}' type='headline'><active xmlns='{ns.CHAT_STATES}'/></message>"
        )
        for client in (chamber, away):
            kinds = [name for name, _ in copies(client)]
            assert kinds == (["received"] if client in copied else [""])


# ---------------------------------------------------------------- §7


def test_7_a_received_copy_is_the_original_wrapped_from_the_own_account(
    juliet: Client, chamber: Client, romeo: Client
) -> None:
    thread = "<thread>0e3141cd</thread><x xmlns='urn:example:x' y='&lt;'>ζ</x>"
    romeo.send(f"<message to='{BALCONY}' type='chat' id='7' xml:lang='en'>{BODY}{thread}</message>")
    original, copy = messages(juliet)[0], messages(chamber)[0]
    assert copy.attrib == {"from": JULIET, "to": f"{JULIET}/chamber", "type": "chat"}
    (received,) = copy
    assert received.tag == f"{K}received"
    (forwarded,) = received
    assert (forwarded.tag, len(forwarded)) == (f"{F}forwarded", 1)
    assert same(forwarded[0], original)
    assert forwarded[0].get("from") == ORCHARD
    assert forwarded[0].get("to") == BALCONY


def same(one: Element, other: Element) -> bool:
    return (
        (one.tag, one.attrib, one.text) == (other.tag, other.attrib, other.text)
        and len(one) == len(other)
        and all(same(*pair) for pair in zip(one, other, strict=True))
    )


@pytest.mark.parametrize("type_", ["chat", "normal"])
def test_7_the_type_is_kept(juliet: Client, chamber: Client, romeo: Client, type_: str) -> None:
    romeo.send(chat(BALCONY, "x", type_=type_))
    assert messages(chamber)[0].get("type") == type_


@pytest.mark.parametrize(
    ("to", "priorities", "originals", "copied"),
    [
        (JULIET, (0, 0, 0), "abc", ""),
        (JULIET, (5, 0, 0), "a", "bc"),
        (JULIET, (5, 5, 0), "ab", "c"),
        (JULIET, (0, 0, -1), "ab", "c"),
        (JULIET, (-1, -1, -1), "", "abc"),  # and it is kept for who comes (XEP-0160)
        (f"{JULIET}/a", (0, 0, 0), "a", "bc"),
        (f"{JULIET}/a", (-1, 5, -1), "a", "bc"),
        (f"{JULIET}/gone", (5, 0, -1), "a", "bc"),
    ],
)
def test_7_who_does_not_get_the_message_gets_a_copy(
    server: Verona,
    romeo: Client,
    to: str,
    priorities: tuple[int, int, int],
    originals: str,
    copied: str,
) -> None:
    clients = {
        name: there(server, "juliet", name, number)
        for name, number in zip("abc", priorities, strict=True)
    }
    romeo.send(chat(to, "x"))
    got = {name: copies(client) for name, client in clients.items()}
    assert got == {
        name: [("", "x")] * (name in originals) + [("received", "x")] * (name in copied)
        for name in clients
    }


@pytest.mark.parametrize("type_", ["normal", "headline"])
def test_7_of_what_is_not_delivered_there_is_no_copy(
    server: Verona, juliet: Client, romeo: Client, type_: str
) -> None:
    cell = there(server, "juliet", "cell", -1)
    romeo.send(chat(f"{JULIET}/gone", "x", type_=type_))
    assert copies(cell) == []


# ---------------------------------------------------------------- §8


@pytest.mark.parametrize("to", [JULIET, BALCONY, "somebody@elsewhere.lit", "chat.elsewhere.lit/x"])
@pytest.mark.parametrize("own", [ENABLE, DISABLE])
def test_8_the_other_clients_of_who_sends_it_get_a_copy(
    server: Verona, juliet: Client, romeo: Client, to: str, own: str
) -> None:
    street = there(server, "romeo", "street")
    romeo.ask(own, "set")
    romeo.send(chat(to, "x", "<thread>1</thread>"))
    copy, *_ = messages(street)  # the answer that nobody is there follows it
    assert copy.attrib == {"from": ROMEO, "to": f"{ROMEO}/street", "type": "chat"}
    (original,) = copy.findall(f"{K}sent/{F}forwarded/{C}message")
    assert len(list(copy)) == 1
    assert {name: original.get(name) for name in ("from", "to", "type", "id")} == {
        "from": ORCHARD,
        "to": to,
        "type": "chat",
        "id": "x",
    }
    assert [child.tag for child in original] == [f"{C}body", f"{C}thread"]
    assert [name for name, _ in copies(romeo) if name] == []


@pytest.mark.parametrize("to", [None, ROMEO, f"{ROMEO}/street", f"{ROMEO}/gone"])
def test_8_what_one_sends_to_oneself_comes_once(
    server: Verona, romeo: Client, to: str | None
) -> None:
    clients = [there(server, "romeo", name) for name in ("street", "garden")]
    romeo.ask(ENABLE, "set")
    romeo.send(chat(to, "x") if to else f"<message type='chat'>{BODY}</message>")
    for client in (romeo, *clients):
        assert [body for _, body in copies(client)] == ["x"]


def test_8_a_client_without_presence_gets_copies_too(server: Verona, romeo: Client) -> None:
    silent = server.log_in("romeo", "silent")
    silent.ask(ENABLE, "set")
    romeo.send(chat(f"nobody@{DOMAIN}", "x"))
    assert copies(silent) == [("sent", "x"), ("received", None)]


# ---------------------------------------------------------------- §10.3, §11


def test_10_3_an_error_about_a_copy_goes_no_further(
    juliet: Client, chamber: Client, romeo: Client
) -> None:
    romeo.send(chat(BALCONY, "x"))
    assert len(messages(chamber)) == 1
    chamber.send(f"<message to='{JULIET}' type='error'/><message type='error'/>")
    assert [len(messages(client)) for client in (romeo, juliet, chamber)] == [0, 1, 0]


def forged(name: str) -> str:
    inner = f"<message xmlns='{ns.CLIENT}' from='{NURSE}' to='{JULIET}'>{BODY}</message>"
    forwarded = f"<forwarded xmlns='{ns.FORWARD}'>{inner}</forwarded>"
    return f"<{name} xmlns='{ns.CARBONS}'>{forwarded}</{name}>"


@pytest.mark.parametrize("name", ["sent", "received"])
@pytest.mark.parametrize("type_", ["chat", "normal", "headline", "groupchat"])
@pytest.mark.parametrize("to", [JULIET, BALCONY, ROMEO, f"{ROMEO}/street", "x@elsewhere.lit"])
def test_11_what_looks_like_a_copy_is_sent_by_nobody_but_the_server(
    server: Verona, juliet: Client, romeo: Client, name: str, type_: str, to: str
) -> None:
    street = there(server, "romeo", "street")
    romeo.take()
    romeo.send(f"<message to='{to}' type='{type_}' id='1'>{BODY}{forged(name)}</message>")
    assert condition(romeo.one()) == "forbidden"
    assert copies(juliet) == copies(street) == []
    assert [r.reason for r in server.host.refusals.recent] == ["carbons.forged"]


def test_11_what_holds_no_copy_may_speak_of_them(juliet: Client, romeo: Client) -> None:
    quoted = f"<body>{ns.CARBONS} sent</body><x xmlns='urn:example:x'>{forged('sent')}</x>"
    romeo.send(f"<message to='{BALCONY}' type='chat'>{quoted}</message>")
    assert bodies(juliet) == [f"{ns.CARBONS} sent"]
    assert romeo.elements() == []


# ---------------------------------------------------------------- privacy lists, blocking, rates


def test_of_who_is_blocked_there_are_no_copies(
    juliet: Client, chamber: Client, romeo: Client
) -> None:
    do(juliet, block(ROMEO))
    romeo.take()
    romeo.send(chat(BALCONY, "x"))
    assert condition(romeo.one()) == "service-unavailable"
    assert copies(chamber) == []


def test_what_may_not_be_sent_is_not_copied(server: Verona, juliet: Client, romeo: Client) -> None:
    street = there(server, "romeo", "street")
    do(romeo, block(JULIET))
    romeo.send(chat(BALCONY, "x"))
    assert copies(street) == []


def test_a_session_whose_own_list_refuses_the_sender_gets_no_copy(
    server: Verona, juliet: Client, chamber: Client, romeo: Client
) -> None:
    garden = there(server, "juliet", "garden")
    put_list(chamber, "silence", rule(1, "deny", "message", jid=ROMEO), apply="active")
    romeo.send(chat(BALCONY, "x"))
    assert copies(chamber) == []
    assert copies(garden) == [("received", "x")]
    assert copies(juliet) == [("", "x")]
    assert romeo.elements() == []


def test_copies_are_charged_to_who_sends_the_message(
    server: Verona, juliet: Client, chamber: Client, romeo: Client
) -> None:
    def charged() -> list[int]:
        before = [client.charged for client in (romeo, juliet, chamber)]
        romeo.send(chat(BALCONY, "x"))
        after = [client.charged for client in (romeo, juliet, chamber)]
        return [now - then for then, now in zip(before, after, strict=True)]

    one, *others = charged()
    assert one > len(chat(BALCONY, "x"))
    assert others == [0, 0]
    there(server, "juliet", "garden")
    assert charged() == [2 * one, 0, 0]
    for resource in ("street", "garden"):
        there(server, "romeo", resource)
    assert 3.9 * one < charged()[0] < 4 * one, "two of each kind; `sent` is shorter"
