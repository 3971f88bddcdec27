"""What the web client's core makes of what rooms say; no room is there."""

from __future__ import annotations

import pytest

from tests.browser.core import player

ROOM = "balcony@rooms.verona.lit"


@pytest.fixture
def play(verona):
    """On a stage where we are in the room as Romeo, beside Juliet."""
    play = player(verona)

    def run(script, argument=None):
        enter = f"""
          const room = "{ROOM}";
          const joining = c.join(room, "Romeo");
          s.joining = s.sent.splice(0);
          a.enter.forEach((text) => s.say(text));
          const joined = await joining;
          await s.settled();
          s.events.length = 0;
          a = a.a;
        """
        return play(enter + script, {"enter": ENTER, "a": argument})

    return run


def _presence(nick, content="", codes=(), kind="", item=""):
    told = "".join(f'<status code="{code}"/>' for code in codes)
    type_ = f' type="{kind}"' if kind else ""
    item = item or '<item affiliation="none" role="participant"/>'
    return (
        f'<presence xmlns="jabber:client" from="{ROOM}/{nick}"{type_}>{content}'
        f'<x xmlns="http://jabber.org/protocol/muc#user">{item}{told}</x></presence>'
    )


def _message(nick, body, name="", more="", kind="groupchat"):
    sender = f"{ROOM}/{nick}" if nick else ROOM
    return (
        f'<message xmlns="jabber:client" from="{sender}" type="{kind}" id="{name}">'
        f"<body>{body}</body>{more}</message>"
    )


ENTER = [_presence("Juliet"), _presence("Romeo", codes=["110"])]
EVENTS = """await s.settled();
const told = ({ name, left, condition, reason, nick }) => [name, left, condition, reason, nick];
return s.events.map((e) => told(e).map((one) => one ?? null))"""


def test_how_a_room_is_entered_xep0045_7_2(play):
    (sent,) = play("return s.joining")
    assert sent.startswith(f'<presence to="{ROOM}/Romeo"')
    assert '<x xmlns="http://jabber.org/protocol/muc"><history maxstanzas="50"/></x>' in sent
    assert "<c xmlns=" in sent and '<x xmlns="vcard-temp:x:update"' in sent


def test_who_is_there(play):
    script = "return [joined.nick, [...joined.occupants.keys()], c.rooms.size]"
    assert play(script) == ["Romeo", ["Juliet", "Romeo"], 1]


@pytest.mark.parametrize(
    ("codes", "condition"),
    [
        (["301"], "banned"),
        (["307"], "kicked"),
        (["321"], "removed"),
        (["322"], "removed"),
        ([], "left"),
    ],
)
def test_why_someone_is_gone_xep0045_9(play, codes, condition):
    item = '<item affiliation="none" role="none"><reason>Avaunt</reason></item>'
    gone = _presence("Juliet", codes=codes, kind="unavailable", item=item)
    script = f"s.say(a); {EVENTS}"
    assert play(script, gone) == [["occupant", True, condition, "Avaunt", None]]
    own = _presence("Romeo", codes=["110", *codes], kind="unavailable", item=item)
    assert play(f"s.say(a); s.left = c.rooms.size; {EVENTS}", own) == [
        ["room", True, condition, "Avaunt", None]
    ]


def test_a_room_is_destroyed_xep0045_10_9(play):
    item = '<item affiliation="none" role="none"/><destroy><reason>Plague</reason></destroy>'
    gone = _presence("Romeo", codes=["110"], kind="unavailable", item=item)
    assert play(f"s.say(a); {EVENTS}", gone) == [["room", True, "destroyed", "Plague", None]]
    assert play("s.say(a); return c.rooms.size", gone) == 0


def test_a_service_that_goes_is_waited_for_xep0045_9_8(play):
    gone = _presence("Romeo", codes=["110", "332"], kind="unavailable")
    script = """s.say(a); s.sent.length = 0;
    const message = c.sendToRoom(room, "Hist");
    const before = [c.rooms.get(room).joined, s.sent.length];
    s.say(`<presence xmlns="jabber:client" from="${room}/Romeo"><x
      xmlns="http://jabber.org/protocol/muc#user"><status code="110"/></x></presence>`);
    await s.settled();
    return [before, c.rooms.get(room).joined, s.sent.length, s.sent[0].includes("Hist")]"""
    assert play(script, gone) == [[False, 0], True, 1, True]


def test_someone_changes_nick_xep0045_7_6(play):
    item = '<item affiliation="none" role="participant" nick="Jule"/>'
    said = [_presence("Juliet", codes=["303"], kind="unavailable", item=item), _presence("Jule")]
    assert play(f"a.forEach((text) => s.say(text)); {EVENTS}", said) == [
        ["occupant", True, None, None, "Jule"],
        ["occupant", None, None, None, None],
    ]


def test_the_service_chooses_our_nick_xep0045_7_2_3(verona):
    script = """const joining = c.join("balcony@rooms.verona.lit", "Romeo");
    s.say(a);
    return (await joining).nick"""
    assert player(verona)(script, _presence("romeo", codes=["110", "210"])) == "romeo"


@pytest.mark.parametrize(
    "condition", ["conflict", "not-authorized", "registration-required", "forbidden"]
)
def test_a_room_that_lets_us_not_in_xep0045_7_2(verona, condition):
    refused = (
        f'<presence xmlns="jabber:client" from="{ROOM}/Romeo" type="error"><error type="auth">'
        f'<{condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></presence>'
    )
    script = """const joining = c.join("balcony@rooms.verona.lit", "Romeo");
    s.say(a);
    try { await joining; } catch (error) { return [error.condition, c.rooms.size]; }"""
    assert player(verona)(script, refused) == [condition, 0]


SEND = """const m = c.sendToRoom(room, "But soft!");
const id = a.keep ? m.id : "other";
for (const text of a.say) s.say(text.replace("ID", id));
await s.settled();
return [s.events.map((e) => e.name), m.receipt]"""


@pytest.mark.parametrize("keep", [True, False])
def test_ours_comes_back_once_xep0045_7_4(play, keep):
    say = [_message("Romeo", "But soft!", "ID")]
    assert play(SEND, {"keep": keep, "say": say}) == [["message", "receipt"], "received"]


def test_ours_from_another_client_is_ours(play):
    script = "s.say(a); return s.events.map((e) => [e.message.mine, e.message.nick])"
    assert play(script, _message("Romeo", "Hark", "x1")) == [[True, "Romeo"]]


def test_a_private_message_is_a_conversation_of_its_own_xep0045_7_5(play):
    script = (
        "s.say(a); return s.events.map((e) => [e.message.chat, e.message.nick, e.message.type])"
    )
    said = _message("Juliet", "psst", "p1", kind="chat")
    assert play(script, said) == [[f"{ROOM}/Juliet", "Juliet", "chat"]]


def test_a_message_from_a_room_we_are_not_in_is_none(verona):
    script = "s.say(a); return s.events.length"
    assert player(verona)(script, _message("Tybalt", "Villain", "v1")) == 0


def test_a_subject_is_one_without_a_body_xep0045_8_1(play):
    subject = "<subject>The east</subject>"
    said = [
        f'<message xmlns="jabber:client" from="{ROOM}/Juliet" type="groupchat">{subject}</message>',
        _message("Juliet", "and a body", "s1", subject.replace("east", "west")),
    ]
    script = """a.forEach((text) => s.say(text));
    return [joined.subject, s.events.map((e) => e.name)]"""
    assert play(script, said) == ["The east", ["subject", "message"]]


DELAY = '<delay xmlns="urn:xmpp:delay" from="{}" stamp="2002-09-10T23:08:25Z"/>'


@pytest.mark.parametrize(
    ("delays", "delayed"),
    [
        ([ROOM], True),
        (["juliet@verona.lit/b", ROOM], True),
        (["juliet@verona.lit/b"], False),
        (["", "verona.lit"], False),
    ],
)
def test_the_room_alone_says_what_is_history_xep0045_7_2_14(play, delays, delayed):
    said = _message("Juliet", "Ay me", "h1", "".join(map(DELAY.format, delays)))
    script = (
        "s.say(a); return s.events.map((e) => [e.message.delayed, e.message.time.getFullYear()])"
    )
    ((told, year),) = play(script, said)
    assert (told, year == 2002) == (delayed, delayed)


INVITATION = (
    "await s.settled(); return s.events.map((e) => [e.room, e.from, e.reason, e.password ?? null])"
)


@pytest.mark.parametrize(
    ("sender", "content", "invitations"),
    [
        (
            "ball@rooms.verona.lit",
            '<x xmlns="http://jabber.org/protocol/muc#user"><invite from="juliet@verona.lit/b">'
            "<reason>Dance</reason></invite><password>rose</password></x>",
            [["ball@rooms.verona.lit", "juliet@verona.lit", "Dance", "rose"]],
        ),
        (
            "juliet@verona.lit/b",
            '<x xmlns="jabber:x:conference" jid="ball@rooms.verona.lit" reason="Dance"/>',
            [["ball@rooms.verona.lit", "juliet@verona.lit", "Dance", None]],
        ),
        # By way of a room that is none: an occupant, or a person at a client.
        (
            f"{ROOM}/Juliet",
            '<x xmlns="http://jabber.org/protocol/muc#user"><invite from="juliet@verona.lit"/></x>',
            [],
        ),
        ("juliet@verona.lit/b", f'<x xmlns="jabber:x:conference" jid="{ROOM}"/>', []),
        ("juliet@verona.lit/b", '<x xmlns="jabber:x:conference" jid="@"/>', []),
    ],
)
def test_invitations_xep0045_7_8_and_xep0249(play, sender, content, invitations):
    said = f'<message xmlns="jabber:client" from="{sender}">{content}</message>'
    assert play(f"s.say(a); {INVITATION}", said) == invitations


def test_a_full_room_takes_nobody_more(play):
    script = """const { LIMITS } = await import("/js/xmpp/limits.js");
    for (let i = 0; i < LIMITS.OCCUPANTS + 5; i += 1) s.say(a.replaceAll("N", i));
    return [joined.occupants.size === LIMITS.OCCUPANTS, joined.occupants.has("Romeo")]"""
    assert play(script, _presence("N")) == [True, True]


def test_a_room_that_has_forgotten_us_is_entered_again_xep0045_7_4(play):
    script = """const m = c.sendToRoom(room, "Hist");
    const refuse = () => s.say(`<message xmlns="jabber:client" from="${room}" type="error"
      id="${m.id}"><error type="modify">
      <not-acceptable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`);
    const kinds = () => s.sent.splice(0).map((text) => /^<\\w+/.exec(text)[0]);
    s.sent.length = 0;
    refuse();
    const first = [kinds(), m.error ?? null];
    s.say(a);
    await s.settled();
    const second = kinds();
    refuse();
    return [first, second, m.error.condition]"""
    assert play(script, ENTER[1]) == [
        [["<presence"], None],
        ["<message"],
        "not-acceptable",
    ]


STATE = '<{} xmlns="http://jabber.org/protocol/chatstates"/>'


def test_who_is_writing_xep0085_5_5(play):
    def state(nick, name, more=""):
        return (
            f'<message xmlns="jabber:client" from="{ROOM}/{nick}" type="groupchat">'
            f"{STATE.format(name)}{more}</message>"
        )

    said = [
        state("Juliet", "composing"),
        # Ours come back, strangers are not there, and the past is over.
        state("Romeo", "composing"),
        state("Tybalt", "composing"),
        state("Juliet", "paused", DELAY),
        state("Juliet", "dancing"),
    ]
    script = """a.forEach((text) => s.say(text));
    return s.events.map((e) => [e.name, e.chat, e.nick, e.state])"""
    assert play(script, said) == [["chatstate", ROOM, "Juliet", "composing"]]
