"""The web client's rooms after the next login (XEP-0402), and rooms that say nothing (XEP-0410)."""

from __future__ import annotations

import pytest

from tests.browser.core import player

ROOM = "balcony@rooms.verona.lit"
BOOKMARKS = "urn:xmpp:bookmarks:1"
PUBSUB = "http://jabber.org/protocol/pubsub"
ENTERED = (
    f'<presence xmlns="jabber:client" from="{ROOM}/Romeo">'
    '<x xmlns="http://jabber.org/protocol/muc#user"><item affiliation="none" role="participant"/>'
    '<status code="110"/></x></presence>'
)
AGAIN = """
const room = "balcony@rooms.verona.lit";
const asked = () => s.sent.filter((text) => text.includes("pubsub"));
const joins = () => s.sent.map((t) => /^<presence to="([^"]+)".*protocol\\/muc"/.exec(t)?.[1])
  .filter(Boolean);
const kept = (items) => (iq) => iq.querySelector("items")
  ? items.startsWith("<error") ? items : `<pubsub xmlns="http://jabber.org/protocol/pubsub"><items>${items}</items></pubsub>`
  : iq.querySelector("publish, retract") ? "" : null;
const again = async (items) => {
  s.answers = kept(items);
  await c.logout();
  s.sent.length = 0;
  await c.login("romeo", s.password);
  await s.settled();
};
const told = (content) => s.say(`<message xmlns="jabber:client" from="romeo@verona.lit"
  type="headline"><event xmlns="http://jabber.org/protocol/pubsub#event">
  <items node="urn:xmpp:bookmarks:1">${content}</items></event></message>`);
"""
NONE = '<error type="cancel"><{} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>'


@pytest.fixture
def play(verona):
    def run(script, argument=None):
        return player(verona)(AGAIN + script, argument)

    return run


def _item(jid=ROOM, autojoin="true", content="<nick>Romeo</nick>", name=""):
    return (
        f'<item id="{jid}"><conference xmlns="{BOOKMARKS}" name="{name}" autojoin="{autojoin}">'
        f"{content}</conference></item>"
    )


def test_rooms_are_entered_at_login_xep0402_3_2(play):
    items = "".join(
        [
            _item(),
            _item("ball@rooms.verona.lit", "1", ""),
            _item("tomb@rooms.verona.lit", "false"),
            _item("cell@rooms.verona.lit", "0"),
            _item("rooms.verona.lit"),
            _item("@"),
            _item(f"{ROOM}/Romeo"),
            '<item id="orchard@rooms.verona.lit"/>',
        ]
    )
    script = "await again(a); return [joins(), [...c.rooms.values()].map((room) => room.joined)]"
    joins = [f"{ROOM}/Romeo", "ball@rooms.verona.lit/romeo"]
    assert play(script, items) == [joins, [False, False]]
    script = """await again(a); s.say(a2);
    return s.events.filter((e) => e.room).map((e) => [e.room.jid, e.room.joined])"""
    assert play(f"const a2 = {ENTERED!r}; {script}", items) == [[ROOM, True]]


def test_a_room_behind_a_password_is_entered_with_it(play):
    script = "await again(a); return s.sent.filter((text) => text.includes('>rose<')).length"
    assert play(script, _item(content="<nick>Romeo</nick><password>rose</password>")) == 1


def test_no_more_rooms_than_one_may_be_in(play):
    script = """const { LIMITS } = await import("/js/xmpp/limits.js");
    const items = Array.from({ length: LIMITS.ROOMS + 5 }, (_, i) => a.replace("balcony", `b${i}`));
    await again(items.join(""));
    return [joins().length, c.rooms.size].map((n) => n - LIMITS.ROOMS)"""
    assert play(script, _item()) == [0, 0]


def test_who_has_that_name_already_is_ourselves_perhaps(play):
    """Our own ghost, or somebody else: the next name will do."""
    script = """await again(a);
    s.say(`<presence xmlns="jabber:client" from="${room}/Romeo" type="error"><error type="cancel">
      <conflict xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></presence>`);
    return joins()"""
    assert play(script, _item()) == [f"{ROOM}/Romeo", f"{ROOM}/Romeo_"]


JOIN = f"""const joining = c.join(room, "Romeo"); s.say({ENTERED!r}); await joining;
await s.settled();"""


def test_a_room_is_marked_where_nobody_else_sees_it_xep0402_3_3(play):
    script = f"await again(a); {JOIN} return asked().slice(1)"
    (published,) = play(script, NONE.format("item-not-found"))
    assert f'<publish node="{BOOKMARKS}"><item id="{ROOM}"><conference' in published
    assert 'autojoin="true"><nick>Romeo</nick></conference>' in published
    form = published[published.index("<publish-options>") :]
    for name, value in [
        ("FORM_TYPE", f"{PUBSUB}#publish-options"),
        ("pubsub#persist_items", "true"),
        ("pubsub#max_items", "max"),
        ("pubsub#send_last_published_item", "never"),
        ("pubsub#access_model", "whitelist"),
    ]:
        assert f'<field var="{name}"' in form and f"<value>{value}</value>" in form


def test_where_rooms_are_not_kept_nothing_is_said_of_it(play):
    script = f"""await again(a); {JOIN} c.leave(room); return [asked().length, c.rooms.size]"""
    assert play(script, NONE.format("service-unavailable")) == [1, 0]


def test_a_room_that_is_left_is_marked_no_more_xep0402_3_5(play):
    script = f"await again(''); {JOIN} c.leave(room); await s.settled(); return asked().slice(2)"
    (removed,) = play(script)
    assert f'<retract node="{BOOKMARKS}" notify="true"><item id="{ROOM}"/></retract>' in removed


MORE = '<extensions><x xmlns="urn:other" a="&lt;">&amp;</x></extensions>'


@pytest.mark.parametrize("known", [{"content": MORE}, {"name": "A &lt;place"}])
def test_what_others_know_of_a_room_stays_xep0402_3_4(play, known):
    script = """await again(a); s.say(a2); s.sent.length = 0; c.leave(room); await s.settled();
    return asked().concat(joins())"""
    (published,) = play(f"const a2 = {ENTERED!r}; {script}", _item(**known))
    assert 'autojoin="false"' in published and "<publish-options>" in published
    if "content" in known:
        assert '<x xmlns="urn:other" a="&lt;">&amp;</x></extensions></conference>' in published
    else:
        assert 'name="A &lt;place"' in published


def test_who_is_banned_comes_not_back_and_who_was_lost_does(play):
    script = f"""await again(a); {JOIN} s.sent.length = 0;
    s.say({ENTERED!r}.replace("<presence", '<presence type="unavailable"')
      .replace("<status", '<status code="' + code + '"/><status'));
    await s.settled();
    return asked().map((text) => /<(retract|publish) /.exec(text)[1])"""
    assert play(f"const code = '301'; {script}", _item()) == ["retract"]
    assert play(f"const code = '332'; {script}", _item()) == []


def test_another_name_is_kept(play):
    script = f"""await again(a); {JOIN} s.sent.length = 0;
    const renaming = c.changeNick(room, "Montague");
    const away = '<presence type="unavailable"';
    s.say({ENTERED!r}.replace("<presence", away).replace("<item", '<item nick="Montague"')
      .replace("<status", '<status code="303"/><status'));
    await renaming; await s.settled();
    return asked()"""
    (published,) = play(script, _item())
    assert "<nick>Montague</nick>" in published


def test_another_client_comes_and_goes_xep0402_4(play):
    script = f"""await again(''); told(a); const came = joins(); s.say({ENTERED!r});
    told(a.replace("true", "false")); const left = c.rooms.size;
    told(a); told(`<retract id="${{room}}"/>`);
    await s.settled();
    return [came, left, c.rooms.size, asked().length]"""
    assert play(script, _item()) == [[f"{ROOM}/Romeo"], 0, 0, 1]


def test_what_comes_back_of_our_own_changes_is_no_news_xep0402_4(play):
    script = f"""await again(''); {JOIN} told(a); const once = joins().length;
    c.leave(room); told(a); await s.settled(); told(`<retract id="${{room}}"/>`);
    return [once, joins().length, c.rooms.size]"""
    assert play(script, _item()) == [1, 1, 0]


def test_nobody_else_tells_us_where_to_go_xep0402_4(play):
    script = """await again('');
    for (const from of ["tybalt@verona.lit", "verona.lit", "rooms.verona.lit"]) {
      s.say(`<message xmlns="jabber:client" from="${from}">
        <event xmlns="http://jabber.org/protocol/pubsub#event">
        <items node="urn:xmpp:bookmarks:1">${a}</items></event></message>`);
    }
    return joins()"""
    assert play(script, _item()) == []


# ------------------------------------------------------------------ self-ping

PINGS = """
const joining = c.join("balcony@rooms.verona.lit", "Romeo"); s.say(a.entered); await joining;
await s.settled();
const room = c.rooms.get("balcony@rooms.verona.lit");
const { ClientError } = await import("/js/xmpp/errors.js");
const { SelfPing } = await import("/js/xmpp/selfping.js");
const lost = [];
const asked = [];
const wire = { on: () => {}, iq: async (type, to, payload) => {
  asked.push(`${type} ${to} ${payload}`);
  if (a.condition) throw new ClientError(a.condition);
} };
const ping = new SelfPing(wire, c.rooms, (away) => {
  lost.push(away.jid);
  away.joined = false;
});
"""

TWO = """const other = c.join("ball@rooms.verona.lit", "Romeo");
s.say(a.entered.replace("balcony", "ball"));
const ball = await other;
await s.settled();
"""


def _pings(verona, script, condition=None):
    return player(verona)(PINGS + script, {"entered": ENTERED, "condition": condition})


def test_a_silent_room_is_asked_xep0410_3_2(verona):
    script = """const since = room.inner.heard;
    ping.look(since + 119000); const early = asked.length;
    ping.look(since + 121000); ping.look(since + 122000);
    await s.settled();
    return [early, asked, lost, room.inner.heard >= since]"""
    ping = f'get {ROOM}/Romeo <ping xmlns="urn:xmpp:ping"/>'
    assert _pings(verona, script) == [0, [ping], [], True]


def test_one_room_speaks_for_its_service_and_all_are_asked_at_last_xep0410_3_2(verona):
    script = f"""{TWO} room.inner.heard = 100 * 60000; ball.inner.heard = 99 * 60000;
    ping.look(101 * 60000); const early = asked.length;
    ping.look(103 * 60000); const one = asked.length;
    await s.settled();
    room.inner.heard = 117 * 60000; ball.inner.heard = 100 * 60000;
    ping.look(118 * 60000);
    return [early, one, asked.slice(one)]"""
    early, one, asked = _pings(verona, script)
    assert (early, one) == (0, 1)
    assert [text.split()[1] for text in asked] == ["ball@rooms.verona.lit/Romeo"]


def test_a_service_that_has_lost_us_in_one_room_is_asked_of_all_xep0410_3_2(verona):
    script = f"""{TWO} room.inner.heard = ball.inner.heard = Date.now() - 3 * 60000;
    ping.look(Date.now()); const first = asked.length;
    await s.settled(); await s.settled();
    return [first, lost.sort()]"""
    assert _pings(verona, script, "not-acceptable") == [1, [ROOM, "ball@rooms.verona.lit"]]


@pytest.mark.parametrize("condition", ["not-acceptable", "not-allowed", "bad-request", "gone"])
def test_a_room_that_does_not_know_us_has_lost_us_xep0410_3_2(verona, condition):
    script = "ping.look(Infinity); await s.settled(); return lost"
    assert _pings(verona, script, condition) == [ROOM]


@pytest.mark.parametrize(
    "condition",
    ["service-unavailable", "feature-not-implemented", "remote-server-not-found", "timeout"],
)
def test_what_says_nothing_of_that_changes_nothing_xep0410_3_2(verona, condition):
    script = "ping.look(Infinity); await s.settled(); return [asked.length, lost]"
    assert _pings(verona, script, condition) == [1, []]


def test_a_resumed_session_asks_at_once_and_enters_again_xep0410_4(verona):
    script = """
    const joining = c.join("balcony@rooms.verona.lit", "Romeo"); s.say(a); await joining;
    await s.settled();
    s.sent.length = 0;
    s.answers = (iq) => iq.querySelector("ping") ? `<error type="cancel">
      <not-acceptable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>` : null;
    s.drop("connection-lost");
    await s.settled();
    for (let i = 0; i < 500 && c.state !== "online"; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      window.dispatchEvent(new Event("online"));
    }
    await s.settled();
    const mine = s.sent.filter((text) => text.includes("balcony@rooms.verona.lit/Romeo"));
    return mine.map((text) => /^<\\w+/.exec(text)[0]);
    """
    sm = {"h": None, "resume": '<resumed xmlns="urn:xmpp:sm:3" h="7" previd="some"/>'}
    assert player(verona, "", sm)(script, ENTERED) == ["<iq", "<presence"]
