"""Offline messages: what is kept, for whom, how much, and who gets it (XEP-0160)."""

from __future__ import annotations

import pytest

from tests.support.offline import backlog, bodies, chat, messages, waiting
from tests.support.people import JULIET, ROMEO, C
from tests.support.privacy import block, do, put_list, rule, unblock
from tests.support.server import DOMAIN, Client, Verona, condition
from xmppd import ns
from xmppd.storage.offline import Backlog

D = f"{{{ns.DELAY}}}"
COMPOSING = f"<composing xmlns='{ns.CHAT_STATES}'/>"
AVAILABLE = "<presence/>"


def come(server: Verona, presence: str = AVAILABLE, resource: str = "balcony") -> Client:
    """Juliet logs in, and says that she is there."""
    return server.log_in("juliet", resource).send(presence)


def priority(number: int) -> str:
    return f"<presence><priority>{number}</priority></presence>"


# ---------------------------------------------------------------- §2


def test_2_what_is_kept_comes_once_in_order_as_it_was_sent(server: Verona, romeo: Client) -> None:
    sent = ["one", "two", "three"]
    for body in sent:
        romeo.send(chat(JULIET, body, "<x xmlns='urn:example:x' y='&lt;'>ζ</x>"))
        server.clock.advance(60)
    assert romeo.elements() == [], "no error says that nobody is there (§2, step 4)"
    juliet = come(server)
    got = messages(juliet)
    assert [m.findtext(f"{C}body") for m in got] == sent
    assert {(m.get("from"), m.get("to"), m.get("type")) for m in got} == {
        (f"{ROMEO}/orchard", JULIET, "chat")
    }
    assert [m.get("id") for m in got] == sent
    assert [(m[1].tag, m[1].get("y"), m[1].text) for m in got] == [
        ("{urn:example:x}x", "<", "ζ")
    ] * 3
    assert waiting(server, JULIET) == []
    assert bodies(juliet.send(AVAILABLE)) == []
    juliet.hang_up()
    assert bodies(come(server)) == []


def test_2_it_is_stamped_by_the_server_with_when_it_came(server: Verona, romeo: Client) -> None:
    romeo.send(chat(JULIET, "one"))
    server.clock.advance(3_600)
    (message,) = messages(come(server))
    (delay,) = message.findall(f"{D}delay")
    assert delay.attrib == {"from": DOMAIN, "stamp": "2006-12-08T01:58:35Z"}
    assert message[-1] is delay


@pytest.mark.parametrize("presence", [AVAILABLE, priority(0), priority(127)])
def test_2_presence_of_no_negative_priority_brings_them(
    server: Verona, romeo: Client, presence: str
) -> None:
    romeo.send(chat(JULIET, "one"))
    juliet = server.log_in("juliet")
    assert bodies(juliet) == [], "not before its presence"
    assert bodies(juliet.send(presence)) == ["one"]


def test_2_a_negative_priority_brings_nothing_until_it_is_raised(
    server: Verona, romeo: Client
) -> None:
    romeo.send(chat(JULIET, "one"))
    juliet = come(server, priority(-1))
    romeo.send(chat(JULIET, "two"))
    assert bodies(juliet) == []
    assert bodies(juliet.send(priority(-128))) == []
    assert bodies(juliet.send(priority(0))) == ["one", "two"]
    romeo.send(chat(JULIET, "three"))
    assert bodies(juliet) == ["three"]


def test_2_directed_presence_brings_nothing(server: Verona, romeo: Client) -> None:
    romeo.send(chat(JULIET, "one"))
    juliet = server.log_in("juliet").send(f"<presence to='{ROMEO}'/>")
    assert bodies(juliet) == []
    assert len(waiting(server, JULIET)) == 1


def test_2_who_is_unavailable_again_has_messages_kept(server: Verona, romeo: Client) -> None:
    juliet = come(server)
    juliet.send("<presence type='unavailable'/>")
    romeo.send(chat(JULIET, "one"))
    assert bodies(juliet) == []
    assert bodies(juliet.send(AVAILABLE)) == ["one"]


def test_2_they_outlive_the_server(server: Verona, romeo: Client) -> None:
    for body in ("one", "two"):
        romeo.send(chat(JULIET, body))
    again = Verona(after=server)
    again.log_in("romeo").send(chat(JULIET, "three"))
    assert bodies(come(again)) == ["one", "two", "three"]
    again.clock.advance(0)
    assert bodies(come(Verona(after=again))) == []


def test_2_a_resource_that_is_gone_is_the_account(server: Verona, romeo: Client) -> None:
    """RFC 6121 §8.5.3.2.1: chat is treated as sent to the bare JID, normal is refused."""
    romeo.send(chat(f"{JULIET}/gone", "one"))
    assert romeo.elements() == []
    romeo.send(chat(f"{JULIET}/gone", "two", type_="normal"))
    assert condition(romeo.one()) == "service-unavailable"
    assert bodies(come(server)) == ["one"]


# ---------------------------------------------------------------- §2, step 3: no room


@pytest.mark.parametrize(
    ("offline", "fits"),
    [({"messages": 2}, 2), ({"octets": 65_536}, 3), ({"messages": 5, "octets": 65_536}, 3)],
)
def test_2_step_3_who_has_as_much_as_may_wait_gets_no_more(
    offline: dict[str, int], fits: int
) -> None:
    server = Verona(offline=offline)
    romeo = server.log_in("romeo")
    for number in range(fits):
        romeo.send(chat(JULIET, str(number), "<x xmlns='urn:example:x'>" + "x" * 20_000 + "</x>"))
    assert romeo.elements() == []
    romeo.send(chat(JULIET, "more", "<x xmlns='urn:example:x'>" + "x" * 20_000 + "</x>"))
    refusal = romeo.one()
    assert condition(refusal) == "service-unavailable"
    assert (refusal.get("id"), refusal.get("from")) == ("more", JULIET)
    assert [r.reason for r in server.host.refusals.recent] == ["limit.offline"]
    assert bodies(come(server)) == [str(number) for number in range(fits)]
    server.clock.advance(0)
    romeo.send(chat(JULIET, "now"))
    assert romeo.elements() == []


def test_2_step_3_there_is_room_again_for_what_was_delivered_also_after_a_restart() -> None:
    server = Verona(offline={"messages": 1})
    romeo = server.log_in("romeo")
    romeo.send(chat(JULIET, "one"))
    juliet = come(server)
    server.clock.advance(0)
    juliet.hang_up()
    romeo.send(chat(JULIET, "two"))
    assert romeo.elements() == []
    again = Verona(after=server, offline={"messages": 1})
    romeo = again.log_in("romeo").send(chat(JULIET, "three"))
    assert condition(romeo.one()) == "service-unavailable"
    assert bodies(come(again)) == ["two"]


def test_2_step_3_one_account_that_is_full_is_no_other(romeo: Client) -> None:
    server = Verona(accounts=("juliet", "romeo", "nurse"), offline={"messages": 1})
    romeo = server.log_in("romeo")
    romeo.send(chat(JULIET, "one") + chat(f"nurse@{DOMAIN}", "one"))
    assert romeo.elements() == []


def test_2_step_3_a_full_account_reads_like_none_at_all() -> None:
    server = Verona(offline={"messages": 1})
    romeo = server.log_in("romeo").send(chat(JULIET, "one"))
    answers = []
    for name in ("juliet", "nobody"):
        romeo.send(chat(f"{name}@{DOMAIN}", "two"))
        answers.append(romeo.take().replace(name.encode(), b"somebody"))
    assert answers[0] == answers[1]


# ---------------------------------------------------------------- §3


@pytest.mark.parametrize(
    ("type_", "inner", "kept", "says"),
    [
        ("normal", "<body>x</body>", True, None),
        ("", "<body>x</body>", True, None),
        ("unheard-of", "<body>x</body>", True, None),  # counts as normal: RFC 6121 §5.2.2
        ("chat", "<body>x</body>", True, None),
        ("chat", COMPOSING + "<body>x</body>", True, None),
        ("chat", COMPOSING, False, None),
        ("normal", COMPOSING, False, None),
        ("groupchat", "<body>x</body>", False, "service-unavailable"),
        ("headline", "<body>x</body>", False, None),
        ("error", "<body>x</body>", False, None),
        ("chat", "", False, "service-unavailable"),
        # XEP-0334 §4
        ("chat", f"<body>x</body><no-store xmlns='{ns.HINTS}'/>", False, "service-unavailable"),
        ("chat", f"<body>x</body><no-permanent-store xmlns='{ns.HINTS}'/>", True, None),
        ("chat", f"{COMPOSING}<store xmlns='{ns.HINTS}'/>", True, None),
        ("headline", f"<body>x</body><store xmlns='{ns.HINTS}'/>", False, None),
    ],
)
def test_3_which_messages_are_kept(
    server: Verona, romeo: Client, type_: str, inner: str, kept: bool, says: str | None
) -> None:
    named = f" type='{type_}'" if type_ else ""
    romeo.send(f"<message to='{JULIET}' id='1'{named}>{inner}</message>")
    answers = [condition(element) for element in romeo.elements()]
    assert answers == ([] if says is None else [says])
    assert len(waiting(server, JULIET)) == kept
    assert len(messages(come(server))) == kept


@pytest.mark.parametrize(
    "stanza",
    [
        "<presence to='{}'/>",
        "<iq to='{}' id='1' type='result'/>",
        "<iq to='{}' type='set' id='1'/>",
    ],
)
def test_2_nothing_but_messages_is_kept(server: Verona, romeo: Client, stanza: str) -> None:
    romeo.send(stanza.format(JULIET))
    assert waiting(server, JULIET) == []


# ---------------------------------------------------------------- §4


def features(client: Client, domain: str = DOMAIN) -> set[str | None]:
    answer = client.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to=domain)
    return {f.get("var") for f in answer.iter(f"{{{ns.DISCO_INFO}}}feature")}


def test_4_the_server_tells_of_it_where_any_are_kept() -> None:
    server = Verona()
    romeo = server.log_in("romeo")
    assert "msgoffline" in features(romeo)
    server.reload(offline={"messages": 0})
    assert "msgoffline" not in features(romeo)
    server.reload(modules={"off": ["offline"]})
    assert "msgoffline" not in features(romeo)


@pytest.mark.parametrize(
    "tables", [{"offline": {"messages": 0}}, {"modules": {"off": ["offline"]}}]
)
def test_where_none_are_kept_the_sender_reads_that_nobody_is_there(
    tables: dict[str, dict[str, object]],
) -> None:
    server = Verona(**tables)
    romeo = server.log_in("romeo").send(chat(JULIET, "one"))
    assert condition(romeo.one()) == "service-unavailable"
    assert bodies(come(server)) == []


def test_what_was_kept_comes_although_no_more_is_kept(server: Verona, romeo: Client) -> None:
    romeo.send(chat(JULIET, "one"))
    server.reload(offline={"messages": 0})
    assert bodies(come(server)) == ["one"]


def test_a_server_that_is_told_to_keep_messages_does_so_for_who_is_there_already() -> None:
    server = Verona(modules={"off": ["offline"]})
    juliet, romeo = come(server), server.log_in("romeo")
    server.reload()
    juliet.send("<presence type='unavailable'/>")
    romeo.send(chat(JULIET, "one"))
    assert romeo.elements() == []
    assert bodies(juliet.send(AVAILABLE)) == ["one"]


# ---------------------------------------------------------------- for whom, from whom


def test_nothing_is_kept_for_guests() -> None:
    server = Verona(server={"domains": [DOMAIN, "guests.lit"]}, auth={"anonymous": ["guests.lit"]})
    guest = server.connect().open("guests.lit")
    guest.send(f"<auth xmlns='{ns.SASL}' mechanism='ANONYMOUS'>=</auth>").open("guests.lit").bind()
    (session,) = server.host.directory
    romeo = server.log_in("romeo").send(chat(session.account, "one"))
    assert condition(romeo.one()) == "service-unavailable"
    assert bodies(guest.send(AVAILABLE)) == []
    assert "msgoffline" not in features(romeo, "guests.lit")
    assert "msgoffline" in features(romeo)
    assert backlog(server, JULIET) == Backlog(0, 0)


def test_nothing_is_kept_for_nobody(romeo: Client) -> None:
    romeo.send(chat(f"nobody@{DOMAIN}", "one"))
    assert condition(romeo.one()) == "service-unavailable"


def test_they_go_with_the_account(server: Verona, romeo: Client) -> None:
    romeo.send(chat(JULIET, "one"))
    server.done(server.host.administrator.remove(server.resident(JULIET).jid))
    server.account("juliet")
    assert bodies(come(server)) == []


def test_of_who_is_blocked_nothing_is_kept(server: Verona, romeo: Client) -> None:
    juliet = server.log_in("juliet")
    do(juliet, block(ROMEO))
    romeo.send(chat(JULIET, "one"))
    assert condition(romeo.one()) == "service-unavailable"
    juliet.hang_up()
    server.host.residents.forget(server.resident(JULIET).jid)
    romeo.send(chat(JULIET, "two"))
    assert condition(romeo.one()) == "service-unavailable", "nor if her list must be read first"
    assert waiting(server, JULIET) == []


def test_what_is_kept_of_who_is_blocked_later_waits_until_he_is_not(
    server: Verona, romeo: Client
) -> None:
    romeo.send(chat(JULIET, "one"))
    juliet = server.log_in("juliet")
    do(juliet, block(ROMEO))
    romeo.take()
    assert bodies(juliet.send(AVAILABLE)) == []
    assert romeo.elements() == [], "he had been told nothing before"
    do(juliet, unblock())
    juliet.send("<presence type='unavailable'/>")
    assert bodies(juliet.send(AVAILABLE)) == ["one"]


def test_one_session_may_refuse_what_another_takes(server: Verona, romeo: Client) -> None:
    romeo.send(chat(JULIET, "one"))
    deaf = server.log_in("juliet", "deaf")
    put_list(deaf, "silence", rule(1, "deny", "message"), apply="active")
    assert bodies(deaf.send(AVAILABLE)) == []
    assert bodies(come(server)) == ["one"]
    assert waiting(server, JULIET) == []
