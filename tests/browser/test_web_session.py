"""The web client's session when connections are lost, with a server that the test speaks for."""

from __future__ import annotations

import pytest

from tests.browser.core import call, load, player

RESUMED = '<resumed xmlns="urn:xmpp:sm:3" h="{}" previd="some"/>'
FAILED = '<failed xmlns="urn:xmpp:sm:3"{}/>'
LOSE = """const m = c.send("juliet@verona.lit", "Hist");
c.setPresence("away", "");
const n = c.send("juliet@verona.lit", "Hark");
s.sent.length = 0;
s.drop(a ?? "connection-lost");
await s.settled();
"""
# The network is back each time that somebody looks, so nobody waits for long.
WAIT = """for (let i = 0; i < 500 && c.state !== "%s"; i += 1) {
  await new Promise((resolve) => setTimeout(resolve, 10));
  window.dispatchEvent(new Event("online"));
}
await s.settled();
const said = s.sent.map((text) => /^<\\w+/.exec(text)[0].slice(1));
const bodies = s.sent.map((text) => /<body>(.*)<\\/body>/.exec(text)?.[1]).filter(Boolean);
"""
BACK = WAIT % "online"
GONE = WAIT % "offline"


def _play(page, script, sm=None, argument=None, mechanism="SCRAM-SHA-256"):
    return player(page, "", sm, mechanism)(script, argument)


@pytest.mark.parametrize("how", ["await c.logout()", 'dispatchEvent(new Event("pagehide"))'])
def test_what_has_come_is_told_before_the_end_xep0198_4(verona, how):
    script = f"""s.say('<r xmlns="urn:xmpp:sm:3"/>');
    s.say('<message xmlns="jabber:client" from="juliet@verona.lit"><body>O</body></message>');
    {how};
    return s.sent.map((text) => /<a [^>]*h="([0-9]+)"/.exec(text)?.[1]).filter(Boolean)"""
    before, last = _play(verona, script, {"h": None, "resume": ""})
    assert int(last) == int(before) + 1


@pytest.mark.parametrize(("inside", "asked"), [("", 1), ("<optional/>", 0)])
def test_a_session_is_asked_for_where_it_has_to_be_rfc3921_3(verona, inside, asked):
    script = """await c.logout(); s.sent.length = 0;
    s.features = `<session xmlns="urn:ietf:params:xml:ns:xmpp-session">${a}</session>`;
    await c.login("romeo", "wherefore");
    return s.sent.map((text) => /<(bind|session) /.exec(text)?.[1]).filter(Boolean)"""
    assert _play(verona, script, None, inside) == ["bind", *["session"] * asked]


def test_a_session_goes_on_and_so_does_what_was_not_acknowledged_xep0198_5(verona):
    script = f"{LOSE} const state = c.state; {BACK} return [state, said, bodies]"
    sm = {"h": None, "resume": RESUMED.format(7)}
    state, said, bodies = _play(verona, script, sm)
    assert state == "reconnecting"
    # It has seven: carbons, the roster, presence, bookmarks, our vCard, presence with that, the
    # first message.
    assert said[:5] == ["auth", "response", "resume", "presence", "message"]
    assert bodies == ["Hark"]


def test_messages_are_sent_again_in_a_new_session_and_nothing_else_is_xep0198_5(verona):
    script = f"""{LOSE} c.send("juliet@verona.lit", "meanwhile"); {BACK}
    return [said, bodies, s.events.filter((e) => e.name === "failed").length]"""
    said, bodies, failed = _play(verona, script, {"h": None, "resume": FAILED.format("")})
    assert said[:5] == ["auth", "response", "resume", "iq", "enable"]
    assert bodies == ["Hist", "Hark", "meanwhile"] and failed == 0
    # One presence, the new session's own, after the roster was asked for.
    assert said.count("presence") == 1 and said.index("presence") < said.index("message")


ROSTERS = """const asked = [];
s.answers = (iq) => {
  const [query] = iq.children;
  if (query.namespaceURI !== "jabber:iq:roster" || iq.getAttribute("type") !== "get") return null;
  asked.push(query.getAttribute("ver"));
  return a.answers[asked.length - 1];
};
s.features = a.feature;
await c.logout();
await c.login("romeo", "wherefore");
s.say('<presence xmlns="jabber:client" from="juliet@verona.lit/x"/>');
for (const push of [a.push, null]) {
  if (push) s.say(push);
  s.drop("connection-lost");
  await s.settled();
"""
VERSIONS = '<ver xmlns="urn:xmpp:features:rosterver"/>'
ROSTER = '<query xmlns="jabber:iq:roster"{}><item jid="{}@verona.lit" subscription="both"/></query>'
PUSH = '<iq xmlns="jabber:client" type="set" id="p">{}</iq>'


@pytest.mark.parametrize(
    ("feature", "ver", "answers", "asked", "names"),
    [
        (VERSIONS, ' ver="{}"', ["", ""], ["", "v2", "v2"], ["juliet", "nurse"]),
        ("", "", [ROSTER.format("", "juliet"), ROSTER.format("", "nurse")], [None] * 3, ["nurse"]),
    ],
)
def test_of_a_roster_the_changes_are_asked_for_rfc6121_2_6(
    verona, feature, ver, answers, asked, names
):
    script = f"""{ROSTERS} {BACK} }}
    return [asked, [...c.contacts.values()].map(({{ jid, show }}) => [jid, show])]"""
    given = {
        "feature": feature,
        "answers": [ROSTER.format(ver.format("v1"), "juliet"), *answers],
        "push": PUSH.format(ROSTER.format(ver.format("v2"), "nurse")),
    }
    contacts = [[f"{name}@verona.lit", None] for name in names]
    assert _play(verona, script, None, given) == [asked, contacts]


def test_what_changes_while_the_roster_comes_is_in_it_rfc6121_2_1_6(verona):
    script = """s.answers = (iq) => {
      // Both come in one answer of BOSH: nobody has looked at the first yet.
      const push = () => queueMicrotask(() => s.say(a));
      if (iq.children[0].namespaceURI === "jabber:iq:roster" && !iq.children[0].children.length) {
        queueMicrotask(push);
      }
      return null;
    };
    await c.logout();
    await c.login("romeo", "wherefore");
    return [...c.contacts.keys()]"""
    juliet = '<item jid="juliet@verona.lit" subscription="both"/>'
    push = PUSH.format(ROSTER.format("", "nurse"))
    assert player(verona, juliet)(script, push) == ["juliet@verona.lit", "nurse@verona.lit"]


def test_without_stream_management_what_is_written_meanwhile_is_sent(verona):
    script = f"""{LOSE} c.send("juliet@verona.lit", "meanwhile"); {BACK} return bodies"""
    assert _play(verona, script) == ["meanwhile"]


def test_what_the_rules_refuse_is_not_sent_for_ever(verona):
    script = f"""{LOSE} {BACK}
    return [bodies, s.events.filter((e) => e.name === "failed").map((e) => e.error.condition)]"""
    sm = {"h": None, "resume": FAILED.format("")}
    assert _play(verona, script, sm, "policy-violation") == [[], ["policy-violation"] * 2]


def test_a_question_without_a_session_has_no_answer(verona):
    script = f"""const asked = c.publicRooms("rooms.verona.lit").catch((error) => error.condition);
    {LOSE} {BACK} return asked"""
    assert _play(verona, script, {"h": None, "resume": FAILED.format("")}) == "connection-lost"


def test_plain_leaves_nothing_to_come_back_with(verona):
    script = f"""s.drop("connection-lost"); {GONE}
    return s.events.filter((e) => e.state).map((e) => [e.state, e.error?.condition ?? null])"""
    told = [["reconnecting", None], ["offline", "password-needed"]]
    assert _play(verona, script, mechanism="PLAIN") == told


ANEW = """await c.changePassword("Benedicite!");
const auths = () => s.sent.filter((text) => text.includes("<auth"));
const before = auths().length;
s.drop("connection-lost");
Object.assign(s, a);
await s.settled();
"""


def test_a_new_password_needs_no_login_before_the_next_rfc6120_6_4_6(verona):
    script = f"""{ANEW} {BACK} return [c.state, before, auths().length]"""
    changed = {"password": "Benedicite!", "salt": "pepper"}
    assert player(verona)(script, changed) == ["online", 0, 1]
    script = f"{ANEW} {BACK} s.drop('connection-lost'); await s.settled(); {{ {BACK} }}"
    again = player(verona)(f"{script} return c.state", changed)
    assert again == "online", "its keys are kept, as those of the first"


def test_a_new_password_goes_out_by_nothing_weaker(verona):
    script = f"""{ANEW} {GONE} return [s.events.at(-1).error.condition, auths().length]"""
    assert player(verona)(script, {"mechanism": "PLAIN"}) == ["password-needed", 0]


def test_a_new_password_that_can_not_be_one_is_not_set(verona):
    script = """const condition = await c.changePassword("\u0007").catch((e) => e.condition);
    return [condition, s.sent.length]"""
    assert player(verona)(script) == ["password-invalid", 0]


def test_nothing_is_stored(verona):
    script = "return [localStorage.length, sessionStorage.length, document.cookie]"
    assert _play(verona, script) == [0, 0, ""]


@pytest.mark.parametrize("event", ["offline", "online"])
def test_the_server_is_asked_when_the_network_goes_or_comes_xep0198_4(verona, event):
    script = "dispatchEvent(new Event(a)); return [s.sent, c.state]"
    asked = [['<r xmlns="urn:xmpp:sm:3"/>'], "online"]
    assert _play(verona, script, {"h": None, "resume": ""}, event) == asked


@pytest.mark.parametrize("condition", ["conflict", "not-authorized", "host-unknown"])
def test_what_would_not_end_better_is_the_end(verona, condition):
    script = """s.drop(a); await s.settled();
    return s.events.map((e) => [e.state, e.error.condition])"""
    assert _play(verona, script, None, condition) == [["offline", condition]]


def test_who_logs_in_next_has_nothing_of_who_was_put_out_rfc6120_4_9_3_3(verona):
    room = "balcony@rooms.verona.lit"
    script = """const entering = c.join(a.room, "Romeo");
    s.say(a.entered);
    await entering;
    c.setPresence("dnd", "In love");
    s.drop("conflict");
    await s.settled();
    const left = [c.rooms.size, c.contacts.size];
    s.sent.length = 0;
    await c.login("mercutio", "wherefore");
    await s.settled();
    return [left, s.sent.filter((text) => /balcony|In love/.test(text))]"""
    entered = (
        f'<presence xmlns="jabber:client" from="{room}/Romeo">'
        '<x xmlns="http://jabber.org/protocol/muc#user">'
        '<item affiliation="none" role="participant"/><status code="110"/></x></presence>'
    )
    juliet = '<item jid="juliet@verona.lit" subscription="both"/>'
    told = player(verona, juliet)(script, {"room": room, "entered": entered})
    assert told == [[0, 0], []]


@pytest.mark.parametrize(
    ("feature", "offered"),
    [("", False), ('<register xmlns="http://jabber.org/features/iq-register"/>', True)],
)
def test_accounts_are_made_where_the_server_says_so_xep0077_8(verona, feature, offered):
    assert _play(verona, "s.first = a; return c.offersAccounts()", None, feature) is offered


def test_what_is_sent_when_offline_is_refused(verona):
    script = """await c.logout();
    try { c.send("juliet@verona.lit", "x"); }
    catch (error) { return [error.condition, c.state]; }"""
    assert _play(verona, script) == ["offline", "offline"]


ACKS = """(async () => {
  const { parseElement, xml } = await import("/js/xmpp/xml.js");
  const acks = new m.Acks();
  acks.enabled(parseElement('<enabled xmlns="urn:xmpp:sm:3" id="some" resume="true"/>'));
  const told = [];
  const say = (text) => acks.receive(parseElement(text), (answer) => told.push(String(answer)));
  const hold = (name, id) => acks.hold(xml(name, { id }));
  const left = () => acks.again().map(({ attributes }) => attributes.id);
  %s
})()"""


def _acks(page, script):
    return call(page, "acks.js", ACKS % script)


def test_what_comes_is_counted_and_told_xep0198_4(verona):
    script = """
      say('<message xmlns="jabber:client"/>'); say('<iq xmlns="jabber:client"/>');
      say('<other xmlns="urn:x"/>'); say('<r xmlns="urn:xmpp:sm:3"/>');
      return [told, String(acks.resumption())];"""
    assert _acks(verona, script) == [
        ['<a xmlns="urn:xmpp:sm:3" h="2"/>'],
        '<resume xmlns="urn:xmpp:sm:3" h="2" previd="some"/>',
    ]


def test_what_is_acknowledged_is_let_go_xep0198_4(verona):
    script = """
      hold("message", "1"); hold("iq", "2"); hold("message", "3");
      say('<a xmlns="urn:xmpp:sm:3" h="1"/>');
      const some = left();
      say('<a xmlns="urn:xmpp:sm:3" h="1"/>');
      return [some, left(), acks.leave().map(({ attributes }) => attributes.id), acks.id];"""
    assert _acks(verona, script) == [["2", "3"], ["2", "3"], ["3"], None]


@pytest.mark.parametrize("h", ["2", "-1", "many", "4294967295"])
def test_more_than_was_sent_is_acknowledged_by_no_server_xep0198_4(verona, h):
    script = f"""hold("message", "1"); say('<a xmlns="urn:xmpp:sm:3" h="{h}"/>');"""
    assert _acks(verona, script) == {"condition": "connection-lost"}


def test_a_server_that_acknowledges_nothing_is_not_sent_for_ever(verona):
    script = "for (let i = 0; i < 2000; i += 1) hold('message', String(i));"
    assert _acks(verona, script) == {"condition": "queue-full"}


def test_a_page_that_is_not_secure_is_told_so(new_page):
    page = new_page()
    load(page, "http://verona.test")
    refused = """async (act) => {
      const { Client } = await import("/js/xmpp/client.js");
      const client = new Client({ domain: "verona.test", websocket: "/ws", bosh: "/http-bind" });
      const given = { login: ["romeo", "x"], register: [{ username: "romeo", password: "x" }] };
      try { await client[act](...given[act]); }
      catch (error) { return [error.condition, client.state]; }
    }"""
    for act in ("login", "register"):
        assert page.evaluate(refused, act) == ["insecure-context", "offline"]
