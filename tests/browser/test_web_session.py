"""The web client's session when connections are lost, with a server that the test speaks for."""

from __future__ import annotations

import pytest

from tests.browser.core import call, load, player

RESUMED = '<resumed xmlns="urn:xmpp:sm:3" h="{}" previd="some"/>'
FAILED = '<failed xmlns="urn:xmpp:sm:3"{}/>'
SEND = 'const m = c.send("juliet@verona.lit", "Hist");'
BACK = """for (let i = 0; i < 300 && c.state !== "online"; i += 1) {
  await new Promise((resolve) => setTimeout(resolve, 10));
  window.dispatchEvent(new Event("online"));
}
await s.settled();
const stanzas = s.sent.filter((text) => /^<(?:iq|message|presence) /.test(text));
"""


@pytest.fixture(scope="module")
def verona(browser):
    context = browser.new_context()
    yield load(context.new_page())
    context.close()


def _play(page, script, sm=None, argument=None):
    # PLAIN leaves no keys to come back with: a connection that is lost asks for the password.
    # What comes back here does so by keys that the fake server takes for PLAIN's.
    return player(page, "", sm)(script, argument)


def test_plain_leaves_nothing_to_come_back_with(verona):
    script = """s.drop("connection-lost");
    for (let i = 0; i < 300 && c.state !== "offline"; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      window.dispatchEvent(new Event("online"));
    }
    return s.events.filter((e) => e.name === "state").map((e) => [e.state, e.error?.condition ?? null])"""
    assert _play(verona, script) == [["reconnecting", None], ["offline", "password-needed"]]


@pytest.mark.parametrize("condition", ["conflict", "not-authorized", "host-unknown"])
def test_what_would_not_end_better_is_the_end(verona, condition):
    script = """s.drop(a); await s.settled();
    return s.events.map((e) => [e.state, e.error.condition])"""
    assert _play(verona, script, None, condition) == [["offline", condition]]


def test_what_is_sent_when_offline_is_refused(verona):
    script = """await c.logout();
    try { c.send("juliet@verona.lit", "x"); } catch (error) { return [error.condition, c.state]; }"""
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
      try { await client[act](...(act === "login" ? ["romeo", "x"] : [{ username: "r", password: "x" }])); }
      catch (error) { return [error.condition, client.state]; }
    }"""
    for act in ("login", "register"):
        assert page.evaluate(refused, act) == ["insecure-context", "offline"]
