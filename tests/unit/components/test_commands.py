"""Ad-hoc commands of a component (XEP-0050)."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest
from twisted.internet.defer import Deferred

from components.common.about import About, introduce
from components.common.commands import Command, Commands
from components.common.disco import Identity
from components.common.forms.fields import text_single
from components.common.forms.form import Form
from tests.support.forms import field
from tests.support.kit import DOMAIN, JULIET, Server, iq
from tests.support.server import condition
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID

X = f"{{{ns.DATA_FORM}}}"
K = f"{{{ns.COMMANDS}}}"
WORDS = text_single("words", "Words")
ROMEO = "romeo@example.org/orchard"


class Stage:
    """A component with two commands, and juliet, who may have them."""

    def __init__(self) -> None:
        self.server = Server()
        component = self.server.component()
        disco = introduce(component, About(Identity("component", "generic")))
        juliet = JID.parse(JULIET).bare
        self.said: list[str] = []
        self.waiting: Deferred[None] | None = None
        commands = Commands(component, disco, lambda user: user.bare == juliet)
        commands.add(Command("say", "Say something", self._say, Form("urn:x", (WORDS,))))
        commands.add(Command("count", "Count", self._count))
        self.server.let_in()

    async def _say(self, stanza, values):
        if self.waiting is not None:
            await self.waiting
        self.said.append(values.get(WORDS, ""))
        return "It is said."

    async def _count(self, stanza, values):
        return str(len(self.said))

    def ask(self, payload: str, type_: str = "set", sender: str = JULIET) -> Element:
        data = self.server.send(iq(type_, payload, sender=sender)).take()
        return fromstring(data.replace(b"<iq", f"<iq xmlns='{ns.COMPONENT}'".encode(), 1))

    def do(self, node: str, inner: str = "", sender: str = JULIET, **attrs: str) -> Element:
        shown = "".join(f" {key}='{value}'" for key, value in attrs.items())
        return self.ask(
            f"<command xmlns='{ns.COMMANDS}' node='{node}'{shown}>{inner}</command>", sender=sender
        )


@pytest.fixture
def stage() -> Stage:
    return Stage()


def submitted(words: str, form_type: str = "urn:x") -> str:
    fields = field("FORM_TYPE", form_type) + field("words", words)
    return f"<x xmlns='{ns.DATA_FORM}' type='submit'>{fields}</x>"


def test_2_1_the_service_says_that_it_has_commands(stage):
    info = stage.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", "get")
    assert ns.COMMANDS in {each.get("var") for each in info[0]}


def test_2_2_the_commands_are_listed_for_those_who_may(stage):
    query = f"<query xmlns='{ns.DISCO_ITEMS}' node='{ns.COMMANDS}'/>"
    listed = stage.ask(query, "get")[0]
    assert listed.get("node") == ns.COMMANDS
    assert [each.attrib for each in listed] == [
        {"jid": DOMAIN, "node": "say", "name": "Say something"},
        {"jid": DOMAIN, "node": "count", "name": "Count"},
    ]
    assert len(stage.ask(query, "get", ROMEO)[0]) == 0


@pytest.mark.parametrize(
    ("node", "type_"), [(ns.COMMANDS, "command-list"), ("say", "command-node")]
)
def test_2_2_what_a_node_is(stage, node, type_):
    info = stage.ask(f"<query xmlns='{ns.DISCO_INFO}' node='{node}'/>", "get")[0]
    identity, *features = info
    assert (identity.get("category"), identity.get("type")) == ("automation", type_)
    assert ns.COMMANDS in {each.get("var") for each in features}


def test_2_4_1_what_needs_nothing_is_done_at_once(stage):
    done = stage.do("count")[0]
    assert (done.get("node"), done.get("status")) == ("count", "completed")
    assert done.get("sessionid")
    assert done.findtext(f"{K}note") == "0"


def test_2_4_2_a_form_is_filled_in_and_then_it_is_done(stage):
    shown = stage.do("say", action="execute")[0]
    assert shown.get("status") == "executing"
    actions = shown.find(f"{K}actions")
    assert (actions.get("execute"), [each.tag for each in actions]) == (
        "complete",
        [f"{K}complete"],
    )
    assert shown.find(f"{X}x").get("type") == "form"
    assert stage.said == []
    session = shown.get("sessionid")
    done = stage.do("say", submitted("but soft"), sessionid=session, action="complete")[0]
    assert (done.get("status"), done.get("sessionid")) == ("completed", session)
    assert stage.said == ["but soft"]


def test_2_4_3_a_command_is_given_up(stage):
    session = stage.do("say")[0].get("sessionid")
    gone = stage.do("say", sessionid=session, action="cancel")[0]
    assert (gone.get("status"), gone.get("sessionid")) == ("canceled", session)
    assert stage.said == []


def test_it_is_answered_when_it_is_done(stage):
    stage.waiting = Deferred()
    stage.server.send(
        iq(
            "set",
            f"<command xmlns='{ns.COMMANDS}' node='say'>{submitted('hark')}</command>",
            sender=JULIET,
        )
    )
    assert stage.server.take() == b""
    stage.waiting.callback(None)
    assert b"completed" in stage.server.take()


@pytest.mark.parametrize("inner", ["", submitted("but soft")])
def test_who_may_not_gets_nothing_done(stage, inner):
    assert condition(stage.do("say", inner, sender=ROMEO)) == "forbidden"
    assert stage.said == []


@pytest.mark.parametrize(
    ("attrs", "inner", "of_xmpp", "of_commands"),
    [
        ({"action": "prev"}, "", "bad-request", "bad-action"),
        ({"action": "dance"}, submitted("x"), "bad-request", "malformed-action"),
        ({"sessionid": "s"}, "", "bad-request", "bad-payload"),
        ({}, submitted("x", "urn:other"), "bad-request", None),
    ],
)
def test_4_5_what_makes_no_sense_is_refused(stage, attrs, inner, of_xmpp, of_commands):
    refused = stage.do("say", inner, **attrs)
    assert condition(refused) == of_xmpp
    error = refused.find("{*}error")
    found = [each.tag.removeprefix(K) for each in error if each.tag.startswith(K)]
    assert found == ([of_commands] if of_commands else [])
    assert stage.said == []


def test_a_command_that_there_is_not(stage):
    assert condition(stage.do("dance")) == "item-not-found"


def test_2_4_a_form_may_differ_by_who_asks_for_it() -> None:
    server = Server()
    component = server.component()
    disco = introduce(component, About(Identity("component", "generic")))
    commands = Commands(component, disco, lambda user: True)

    async def show(stanza):
        if JID.parse(ROMEO) == stanza.sender:
            raise StanzaError("forbidden", reason="component.command-forbidden")
        return Form("urn:x", (text_single("words", f"Words of {stanza.sender.local}"),))

    async def run(stanza, values):
        return values[WORDS]

    commands.add(Command("say", "Say something", run, Form("urn:x", (WORDS,)), show))
    server.let_in()
    say = f"<command xmlns='{ns.COMMANDS}' node='say'/>"
    assert b"Words of juliet" in server.send(iq("set", say, sender=JULIET)).take()
    assert b"<forbidden " in server.send(iq("set", say, sender=ROMEO)).take()
    x = f"<x xmlns='{ns.DATA_FORM}' type='submit'><field var='words'><value>Ay</value></field></x>"
    said = f"<command xmlns='{ns.COMMANDS}' node='say'>{x}</command>"
    assert b">Ay</note>" in server.send(iq("set", said, sender=JULIET)).take()
