"""What the web client's core makes of stanzas, forged ones among them; no server is there."""

from __future__ import annotations

import pytest

from tests.browser.core import player

ROSTER = (
    '<item jid="juliet@verona.lit" name="Juliet" subscription="both"/>'
    '<item jid="tybalt@verona.lit" subscription="to"/>'
)


@pytest.fixture
def play(verona):
    return player(verona, ROSTER)


MESSAGES = (
    "await s.settled(); return s.events.filter(e => e.name === 'message').map(e => e.message)"
)
EVENTS = "await s.settled(); return s.events.map(e => e.name)"
SENT = "await s.settled(); return s.sent"


def _carbon(sender, inner, kind="received"):
    outer = f'from="{sender}" ' if sender else ""
    return (
        f'<message xmlns="jabber:client" {outer}to="romeo@verona.lit/orchard">'
        f'<{kind} xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0">{inner}'
        f"</forwarded></{kind}></message>"
    )


INNER = (
    '<message xmlns="jabber:client" from="juliet@verona.lit/balcony" to="romeo@verona.lit/home" '
    'type="chat" id="i1"><body>O</body><request xmlns="urn:xmpp:receipts"/></message>'
)
OWN = INNER.replace("juliet@verona.lit/balcony", "X").replace(
    "romeo@verona.lit/home", "juliet@verona.lit"
)
OWN = OWN.replace('"X"', '"romeo@verona.lit/home"')


def test_a_copy_from_our_own_account_is_taken_xep0280_6(play):
    (message,) = play(f"s.say(a); {MESSAGES}", _carbon("romeo@verona.lit", INNER))
    assert message["carbon"] and not message["mine"]
    assert message["chat"] == "juliet@verona.lit" and message["body"] == "O"


def test_a_copy_of_what_we_sent_is_ours_xep0280_7(play):
    (message,) = play(f"s.say(a); {MESSAGES}", _carbon("romeo@verona.lit", OWN, "sent"))
    assert message["mine"] and message["chat"] == "juliet@verona.lit"


def test_no_receipt_for_a_copy_xep0184_5_4(play):
    assert play(f"s.say(a); {SENT}", _carbon("romeo@verona.lit", INNER)) == []


@pytest.mark.parametrize(
    "sender",
    ["tybalt@verona.lit/x", "romeo@verona.lit/other", "romeo@mantua.lit", "verona.lit", ""],
)
@pytest.mark.parametrize(("inner", "kind"), [(INNER, "received"), (OWN, "sent")])
def test_anyone_elses_copy_is_a_forgery_xep0280_11(play, sender, inner, kind):
    assert play(f"s.say(a); {EVENTS}", _carbon(sender, inner, kind)) == []


def test_what_is_copied_as_sent_by_another_is_none(play):
    assert play(f"s.say(a); {EVENTS}", _carbon("romeo@verona.lit", INNER, "sent")) == []


PUSH = (
    '<iq xmlns="jabber:client" {}type="set" id="p1"><query xmlns="jabber:iq:roster">'
    '<item jid="paris@verona.lit" subscription="both"/></query></iq>'
)
CONTACTS = "await s.settled(); return [[...c.contacts.keys()], s.sent]"


@pytest.mark.parametrize("sender", ["", 'from="romeo@verona.lit" '])
def test_a_push_from_our_own_account_is_taken_rfc6121_2_1_6(play, sender):
    contacts, sent = play(f"s.say(a); {CONTACTS}", PUSH.format(sender))
    assert "paris@verona.lit" in contacts
    assert len(sent) == 1 and 'type="result"' in sent[0] and 'id="p1"' in sent[0]


@pytest.mark.parametrize(
    "sender", ["tybalt@verona.lit/x", "verona.lit", "romeo@mantua.lit", "romeo@verona.lit/x"]
)
def test_a_push_from_a_stranger_changes_nothing_rfc6121_2_1_6(play, sender):
    contacts, _ = play(f"s.say(a); {CONTACTS}", PUSH.format(f'from="{sender}" '))
    assert contacts == ["juliet@verona.lit", "tybalt@verona.lit"]


CHAT = (
    '<message xmlns="jabber:client" from="{}" to="romeo@verona.lit/orchard" type="chat" id="m1">'
    "{}</message>"
)
ASKS = '<body>Ay me</body><request xmlns="urn:xmpp:receipts"/>'


def test_a_receipt_to_whom_we_show_our_presence_xep0184_8(play):
    (sent,) = play(f"s.say(a); {SENT}", CHAT.format("juliet@verona.lit/balcony", ASKS))
    assert '<received xmlns="urn:xmpp:receipts" id="m1"/>' in sent
    assert 'to="juliet@verona.lit/balcony"' in sent


@pytest.mark.parametrize("sender", ["tybalt@verona.lit/x", "paris@verona.lit/x"])
def test_none_to_whom_we_do_not_xep0184_8(play, sender):
    assert play(f"s.say(a); {SENT}", CHAT.format(sender, ASKS)) == []


RECEIPT = """const m = c.send("juliet@verona.lit", "Hist");
s.say(`<message xmlns="jabber:client" from="${a}" id="r1"><received xmlns="urn:xmpp:receipts"
id="${m.id}"/></message>`);
await s.settled();
return [m.receipt, s.events.map(e => e.name)]"""


def test_a_receipt_that_comes(play):
    assert play(RECEIPT, "juliet@verona.lit/balcony") == ["received", ["message", "receipt"]]


def test_a_receipt_from_another_is_none_xep0184_7(play):
    assert play(RECEIPT, "tybalt@verona.lit/x") == ["asked", ["message"]]


def test_a_message_that_fails_is_told_once(play):
    failed = """const m = c.send("juliet@verona.lit", "Hist");
    for (const from of ["tybalt@verona.lit", "juliet@verona.lit", "juliet@verona.lit"]) {
      s.say(`<message xmlns="jabber:client" from="${from}" type="error" id="${m.id}">
      <error type="cancel"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>
      </message>`);
    }
    await s.settled();
    return [m.error.condition, s.events.map(e => e.name)]"""
    assert play(failed) == ["item-not-found", ["message", "failed"]]


def test_a_message_as_it_goes(play):
    sent, to = play(
        'c.send("Juliet@verona.lit/balcony", "<b>&"); return [s.sent[0], s.sent.length]'
    )
    assert to == 1
    assert sent.startswith('<message type="chat" to="juliet@verona.lit" id=')
    assert "<body>&lt;b&gt;&amp;</body>" in sent
    assert '<request xmlns="urn:xmpp:receipts"/>' in sent
    assert '<active xmlns="http://jabber.org/protocol/chatstates"/>' in sent
    assert 'xmlns="jabber:client"' in sent


def test_a_chat_state_only_to_those_who_take_them_xep0085_5_1(play):
    script = """c.chatState("juliet@verona.lit", "composing"); await s.settled();
    const before = s.sent.length;
    s.say(a);
    for (const state of ["composing", "composing", "paused"]) {
      c.chatState("juliet@verona.lit", state);
    }
    await s.settled();
    const state = /<(\\w+) xmlns="http:..jabber.org.protocol.chatstates"/;
    return [before, s.sent.map(text => state.exec(text)[1])]"""
    heard = '<active xmlns="http://jabber.org/protocol/chatstates"/>'
    chat = CHAT.format("juliet@verona.lit/balcony", heard)
    assert play(script, chat) == [0, ["composing", "paused"]]


COULD = (
    '<presence xmlns="jabber:client" from="{}/x{}"><c xmlns="http://jabber.org/protocol/caps" '
    'hash="sha-1" node="n" ver="v{}"/></presence>'
)


@pytest.mark.parametrize("sender", ["juliet@verona.lit", "paris@verona.lit"])
def test_who_is_there_is_asked_nothing_xep0115_6_2(play, sender):
    # A thousand resources would have all our questions wait, a stranger's would learn of us.
    script = """for (const text of a) s.say(text);
    await s.settled();
    return s.sent"""
    assert play(script, [COULD.format(sender, number, number) for number in range(600)]) == []


def test_who_is_written_to_is_asked_what_he_can_do_xep0115_6_2(play):
    script = """s.say(a); c.chatState("juliet@verona.lit", "composing"); await s.settled();
    return s.sent"""
    (sent,) = play(script, COULD.format("juliet@verona.lit", 1, 1))
    assert 'to="juliet@verona.lit/x1"' in sent
    assert 'node="n#v1"' in sent


LATE = """const { verification } = await import("/js/xmpp/caps.js");
const features = ["http://jabber.org/protocol/chatstates"];
const ver = await verification("sha-1", { identities: [], features, forms: [] });
for (const jid of ["juliet@verona.lit", "nurse@verona.lit"]) {
  s.say(a.replace("{}", jid).replace("{}", ver));
  c.chatState(jid, "composing");
}
await s.settled();
const [question] = s.sent.splice(0);
c.send("juliet@verona.lit", "Hist");
s.say(`<iq xmlns="jabber:client" type="result" id="${/id="([^"]+)"/.exec(question)[1]}"
  from="juliet@verona.lit/x"><query xmlns="http://jabber.org/protocol/disco#info">
  <feature var="${features[0]}"/></query></iq>`);
for (let i = 0; i < 500 && !s.sent.some((text) => text.includes("nurse")); i += 1) {
  await new Promise((resolve) => setTimeout(resolve, 10));
}
return s.sent.map((text) => /to="(\\w+).*<(\\w+) xmlns="http:..jabber.org.protocol.chat/.exec(text))
  .map(([, to, state]) => [to, state])"""


def test_nobody_is_told_that_we_write_once_we_have_written_xep0085_5_3(verona):
    able = (
        '<presence xmlns="jabber:client" from="{}/x">'
        '<c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="n" ver="{}"/></presence>'
    )
    nurse = '<item jid="nurse@verona.lit" subscription="both"/>'
    told = player(verona, ROSTER + nurse)(LATE, able)
    assert told == [["juliet", "active"], ["nurse", "composing"]]


def test_a_stranger_is_not_asked_for_a_picture_until_he_is_a_contact(play):
    script = """await c.avatar("paris@verona.lit");
    const before = s.sent.length;
    const heard = new Promise(resolve => c.on("avatar", resolve));
    s.say(a);
    const { jid } = await heard;
    await c.avatar(jid);
    return [before, jid, s.sent.at(-1).includes("vcard-temp")]"""
    push = (
        '<iq xmlns="jabber:client" type="set" id="p1"><query xmlns="jabber:iq:roster">'
        '<item jid="paris@verona.lit" subscription="both"/></query></iq>'
    )
    assert play(script, push) == [0, "paris@verona.lit", True]


def test_nobody_need_tell_chat_states_xep0085_5_2(play):
    script = """s.say(a); c.tellsWriting = false;
    c.chatState("juliet@verona.lit", "composing"); await s.settled();
    const before = s.sent.length;
    c.send("juliet@verona.lit", "O");
    c.tellsWriting = true;
    c.send("juliet@verona.lit", "Romeo");
    return [before, s.sent.map(text => text.includes("chatstates"))]"""
    heard = '<active xmlns="http://jabber.org/protocol/chatstates"/>'
    chat = CHAT.format("juliet@verona.lit/balcony", heard)
    assert play(script, chat) == [0, [False, True]]


def test_a_delayed_message_has_its_time_xep0203_4(play):
    delay = '<body>Ay</body><delay xmlns="urn:xmpp:delay" stamp="2002-09-10T23:08:25Z"/>'
    script = f"s.say(a); {MESSAGES}.map(m => [m.time.toISOString(), m.delayed])"
    (message,) = play(script, CHAT.format("juliet@verona.lit/b", delay))
    assert message == ["2002-09-10T23:08:25.000Z", True]


QUESTION = '<iq xmlns="jabber:client" from="juliet@verona.lit/b" type="get" id="q1">{}</iq>'


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        ('<ping xmlns="urn:xmpp:ping"/>', 'type="result"'),
        ('<query xmlns="jabber:iq:version"/>', "<name>xmppd web client</name>"),
        ('<time xmlns="urn:xmpp:time"/>', "<utc>"),
        ('<query xmlns="http://jabber.org/protocol/disco#items"/>', 'type="result"'),
        ('<query xmlns="http://jabber.org/protocol/disco#info"/>', 'var="jid\\20escaping"'),
        ('<query xmlns="http://jabber.org/protocol/disco#info" node="x"/>', "<item-not-found"),
        ('<query xmlns="urn:x:unknown"/>', "<service-unavailable"),
        ("", '<error type="modify"><bad-request'),
        ('<ping xmlns="urn:xmpp:ping"/><ping xmlns="urn:xmpp:ping"/>', "<bad-request"),
    ],
)
def test_questions_are_answered(play, payload, answer):
    (sent,) = play(f"s.say(a); {SENT}", QUESTION.format(payload))
    assert answer in sent and 'id="q1"' in sent and 'to="juliet@verona.lit/b"' in sent


def test_our_own_capabilities_fit_what_we_answer_xep0115_5(play):
    script = """c.setPresence("away", "");
    const ver = /ver="([^"]+)"/.exec(s.sent[0])[1];
    const node = /<c [^>]*node="([^"]+)"/.exec(s.sent[0])[1];
    s.sent.length = 0;
    s.say(`<iq xmlns="jabber:client" from="juliet@verona.lit/b" type="get" id="q1">
      <query xmlns="http://jabber.org/protocol/disco#info" node="${node}#${ver}"/></iq>`);
    const { parseElement } = await import("/js/xmpp/xml.js");
    const { readInfo, verification } = await import("/js/xmpp/caps.js");
    const info = readInfo(parseElement(s.sent[0]).children[0]);
    return [ver, await verification("sha-1", info), info.identities, info.features]"""
    ver, computed, identities, features = play(script)
    assert ver == computed
    assert [(one["category"], one["type"]) for one in identities] == [("client", "web")]
    assert {"http://jabber.org/protocol/disco#info", "jid\\20escaping"} <= set(features)


def test_an_answer_counts_only_from_whom_was_asked_rfc6120_8_1_2_1(play):
    script = """const asked = c.publicRooms("rooms.verona.lit"); asked.catch(() => {});
    const id = /id="([^"]+)"/.exec(s.sent[0])[1];
    const answer = (from, name) => s.say(`<iq xmlns="jabber:client" from="${from}"
      type="result" id="${id}"><query xmlns="http://jabber.org/protocol/disco#items">
      <item jid="${name}@rooms.verona.lit"/></query></iq>`);
    answer("tybalt@verona.lit/x", "trap");
    answer("rooms.verona.lit", "ball");
    return (await asked).map(({ jid }) => jid)"""
    assert play(script) == ["ball@rooms.verona.lit"]


SHOW = """await s.settled();
const { show, status, resources } = c.contacts.get("juliet@verona.lit");
return [show, status, [...resources.keys()]]"""


def test_the_resource_that_speaks_for_a_contact_rfc6121_4_7_2(play):
    presence = (
        '<presence xmlns="jabber:client" from="juliet@verona.lit/{}"><show>{}</show>'
        "<status>{}</status><priority>{}</priority></presence>"
    )
    script = f"a.forEach(text => s.say(text)); {SHOW}"
    both = [presence.format("a", "away", "out", 5), presence.format("b", "chat", "in", 1)]
    assert play(script, both) == ["away", "out", ["a", "b"]]
    gone = '<presence xmlns="jabber:client" from="juliet@verona.lit/a" type="unavailable"/>'
    assert play(script, [*both, gone]) == ["chat", "in", ["b"]]
    gone = '<presence xmlns="jabber:client" from="juliet@verona.lit" type="error"/>'
    assert play(script, [*both, gone]) == [None, "", []]


def test_who_could_not_be_asked_is_told_with_the_reason_rfc6121_3_1_3(play):
    error = (
        '<presence xmlns="jabber:client" from="{}" type="error"><error type="cancel">'
        '<remote-server-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></presence>'
    )
    asked = (
        '<iq xmlns="jabber:client" type="set" id="p"><query xmlns="jabber:iq:roster">'
        '<item jid="paris@mantua.lit" subscription="none" ask="subscribe"/></query></iq>'
    )
    heard = [asked, error.format("paris@mantua.lit"), error.format("juliet@verona.lit")]
    told = """a.forEach(text => s.say(text)); await s.settled();
        return s.events.filter(e => e.name === 'unasked').map(e => [e.jid, e.error.condition])"""
    assert play(told, heard) == [["paris@mantua.lit", "remote-server-not-found"]]


def test_a_stanza_nobody_foresaw_does_no_harm(play):
    odd = [
        '<message xmlns="jabber:client"/>',
        '<message xmlns="jabber:client" from="@@"><body>x</body></message>',
        '<presence xmlns="jabber:client"/>',
        '<presence xmlns="jabber:client" from="juliet@verona.lit/x"><priority>high</priority>'
        "<show>loud</show></presence>",
        '<iq xmlns="jabber:client" type="result" id="none"/>',
        '<iq xmlns="jabber:client" type="error"/>',
        '<iq xmlns="jabber:client" type="set" id="x"><query xmlns="jabber:iq:roster"/></iq>',
        '<message xmlns="jabber:client" from="romeo@verona.lit">'
        '<received xmlns="urn:xmpp:carbons:2"/></message>',
        '<other xmlns="urn:x"/>',
    ]
    assert play(f"a.forEach(text => s.say(text)); {SHOW}", odd) == ["", "", ["x"]]
