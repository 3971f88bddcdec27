"""What the web client's core says of its own picture (XEP-0153), with others of one's clients."""

from __future__ import annotations

import base64
import hashlib

import pytest

from tests.browser.core import player

PICTURE = b"\x89PNG\r\n\x1a\n of a face"
HASH = hashlib.sha1(PICTURE).hexdigest()
VCARD = (
    '<vCard xmlns="vcard-temp"><PHOTO><TYPE>image/png</TYPE>'
    f"<BINVAL>{base64.b64encode(PICTURE).decode()}</BINVAL></PHOTO></vCard>"
)
LOOK = """const told = (text) => {
  if (text.startsWith("<iq")) return text.includes("<vCard") ? "looks" : null;
  if (!text.startsWith("<presence")) return null;
  return /<photo>([^<]*)/.exec(text)?.[1] ?? (text.includes("<photo") ? "none" : "nothing");
};
const said = () => s.sent.map(told).filter(Boolean);
const until = async (true_) => {
  for (let i = 0; i < 500 && !true_(); i += 1) await new Promise((done) => setTimeout(done, 10));
  return said();
};
s.answers = (iq) => iq.children[0].localName === "vCard" ? a.vcard : null;
await c.logout();
s.sent.length = 0;
await c.login("romeo", "wherefore");
const first = await until(() => said().includes(a.hash));
s.sent.length = 0;
"""
NOTHING = '<presence xmlns="jabber:client" from="romeo@verona.lit/{}"{}/>'
SAYS = (
    '<presence xmlns="jabber:client" from="romeo@verona.lit/phone">'
    '<x xmlns="vcard-temp:x:update">{}</x></presence>'
)
PHONE, GONE = NOTHING.format("phone", ""), NOTHING.format("phone", ' type="unavailable"')


@pytest.fixture
def play(verona):
    def run(script, *said):
        return player(verona)(LOOK + script, {"vcard": VCARD, "hash": HASH, "said": said})

    return run


def test_nothing_is_said_before_a_look_xep0153_4_2(play):
    assert play("return first") == ["nothing", "looks", HASH]


def test_a_client_that_knows_no_pictures_has_us_say_nothing_until_it_goes_xep0153_4_3(play):
    script = """s.say(a.said[0]);
    c.setPresence("away", "");
    const meanwhile = said();
    s.say(a.said[1]);
    return [meanwhile, await until(() => said().includes(a.hash))]"""
    meanwhile, after = play(script, PHONE, GONE)
    assert meanwhile == ["nothing", "nothing"]
    assert after == [*meanwhile, "nothing", "looks", HASH]


def test_it_is_said_again_when_that_client_learns_of_pictures_xep0153_4_3(play):
    script = "a.said.forEach((text) => s.say(text)); return until(() => said().includes(a.hash))"
    assert play(script, PHONE, SAYS.format("")) == ["nothing", "nothing", "looks", HASH]


def test_a_picture_that_has_just_been_made_ours_is_told_xep0153_4_2(play):
    script = """s.say(a.said[0]);
    const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    await c.setAvatar(new Blob([bytes(/<BINVAL>([^<]*)/.exec(a.vcard)[1] + "AAAA")]));
    return said()"""
    newer = hashlib.sha1(PICTURE + b"\0\0\0").hexdigest()
    assert play(script, PHONE) == ["nothing", "looks", "looks", newer]


def test_who_is_silent_is_told_anew_in_a_new_session_xep0153_4_3(play):
    script = """s.say(a.said[0]);
    s.drop("connection-lost");
    await until(() => (dispatchEvent(new Event("online")), c.state === "online"));
    return until(() => said().includes(a.hash))"""
    assert play(script, PHONE) == ["nothing", "nothing", "nothing", "looks", HASH]


@pytest.mark.parametrize("photo", ["<photo/>", f"<photo>{'0' * 40}</photo>"])
def test_another_picture_has_us_look_again_and_say_nothing_meanwhile_xep0153_4_4(play, photo):
    script = "s.say(a.said[0]); return until(() => said().includes(a.hash))"
    assert play(script, SAYS.format(photo)) == ["nothing", "looks", HASH]


@pytest.mark.parametrize(
    "said", [SAYS.format(""), SAYS.format(f"<photo>{HASH}</photo>"), NOTHING.format("orchard", "")]
)
def test_what_says_nothing_else_changes_nothing_xep0153_4_3(play, said):
    assert play("s.say(a.said[0]); await s.settled(); return said()", said) == []
