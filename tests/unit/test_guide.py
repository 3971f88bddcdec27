"""The blocks of docs/writing-a-component.md do what the guide says of them."""

from __future__ import annotations

import tomllib
from types import SimpleNamespace
from xml.etree.ElementTree import tostring

import pytest
from twisted.internet.defer import Deferred, succeed

from components.common import config
from components.common.paging import RESULT_SET
from components.common.privilege import NotGranted
from tests.support.capabilities import EXODUS, appear, asked, reply
from tests.support.forms import X, submission
from tests.support.guide import blocks, files, function
from tests.support.meeting import VCARD, Meeting
from tests.support.people import friends
from tests.support.server import condition
from xmppd import ns
from xmppd.errors import ConfigError
from xmppd.jid import JID

PEOPLE = ("juliet", "romeo")
JULIET = JID.parse("juliet@capulet.lit")
RUN_ELSEWHERE = {"set_up", "test_it_shouts"}
"""In tests/e2e/test_guide.py."""


def bodies(client):
    return [
        e.findtext("{jabber:client}body") for e in client.elements() if e.tag.endswith("message")
    ]


def test_each_block_of_python_is_run_somewhere():
    names = {text for text in blocks("python") if "def " in text}
    here = (
        *("deliver", "put", "hall", "ball", "operators", "cards"),
        *("matchmaker", "herald", "crier", "audience"),
    )
    assert len(names) == len(here) + len(RUN_ELSEWHERE)
    for name in here:
        assert callable(function(name))


def test_its_files_are_configurations(tmp_path):
    program = {"shout.py", "test_shout.py", "twisted/plugins/shout.py"}
    assert set(files()) == program | {"shout.toml", "xmppd.toml"}
    path = tmp_path / "shout.toml"
    path.write_text(files()["shout.toml"])
    loaded = config.load(path, config.Settings, "shout")
    assert loaded.servers == ("localhost",)
    server = tomllib.loads(files()["xmppd.toml"])
    assert server["components"][loaded.identity.domain]["secret"] == loaded.identity.secret


def test_its_settings_are_read_and_checked(tmp_path):
    (text,) = [each for each in blocks("python") if "class Config(" in each]
    namespace = {"__name__": "shout"}
    exec(compile(text, "shout.py", "exec", dont_inherit=True), namespace)
    path = tmp_path / "shout.toml"
    path.write_text(files()["shout.toml"] + '[shout]\nfriends = ["juliet@localhost"]\n')
    table = config.load(path, namespace["Config"], "shout").settings.shout
    assert (table.volume, table.friends) == (11, ("juliet@localhost",))
    path.write_text(files()["shout.toml"] + "[shout]\nvolume = 12\n")
    with pytest.raises(ConfigError, match=r"shout\.volume: .* from 0 to 11"):
        config.load(path, namespace["Config"], "shout")


def test_what_is_acknowledged_is_forgotten():
    sent, gone, wait = [], [], Deferred()

    async def acknowledged():
        await wait

    component = SimpleNamespace(message=lambda *a, **k: sent.append(k), acknowledged=acknowledged)
    store = SimpleNamespace(forget=lambda letter: succeed(gone.append(letter)))
    letter = SimpleNamespace(to=JULIET, text="rise", id="1")
    Deferred.fromCoroutine(function("deliver")(component, store, letter))
    assert (sent, gone) == ([{"id_": "1"}], [])
    wait.callback(None)
    assert gone == [letter]


def test_a_unit_of_work_is_written():
    done = []

    async def execute(sql, params):
        done.append(params)

    database = SimpleNamespace(write=lambda work: Deferred.fromCoroutine(work(tx)))
    tx = SimpleNamespace(execute=execute)
    function("put")(database, "juliet@capulet.lit", "rise")
    assert done == [("juliet@capulet.lit", "rise")]


def test_a_hall_has_addresses_that_people_enter_and_speak_at():
    meeting = Meeting()
    function("hall")(meeting.component, meeting.disco)
    meeting.start()
    juliet, romeo = (meeting.server.log_in(name, "x") for name in PEOPLE)
    for person, nick in ((juliet, "Cap"), (romeo, "Mon")):
        person.send(f"<presence to='ball@{VCARD}/{nick}'/>")
        meeting.pump()
        assert person.elements()[-1].get("from") == f"ball@{VCARD}/{nick}"
    juliet.send(f"<message to='ball@{VCARD}' type='chat'><body>hist</body></message>")
    meeting.pump()
    assert (bodies(juliet), bodies(romeo)) == (["hist"], ["hist"])
    juliet.send(f"<presence to='ball@{VCARD}/Cap' type='unavailable'/>")
    juliet.send(f"<message to='ball@{VCARD}' type='chat'><body>gone</body></message>")
    meeting.pump()
    assert (bodies(juliet), bodies(romeo)) == ([], ["gone"])


def test_a_hall_is_found_and_subscribed_to():
    meeting = Meeting()
    function("hall")(meeting.component, meeting.disco)
    meeting.start()
    juliet = meeting.server.log_in("juliet", "x").send("<presence/>")
    juliet.send(f"<presence to='ball@{VCARD}' type='subscribe'/>")
    meeting.pump()
    assert "subscribed" in [e.get("type") for e in juliet.elements()]
    query = f"<query xmlns='{ns.DISCO_INFO}'/>"
    for payload in (query, "<count xmlns='urn:example:hall'/>"):
        juliet.send(f"<iq type='get' id='q' to='ball@{VCARD}'>{payload}</iq>")
        meeting.pump()
        assert juliet.elements()[-1].get("type") == "result"


def test_a_ball_is_told_of_and_changed_by_a_form_and_its_guests_come_in_pages():
    meeting = Meeting()
    function("ball")(meeting.component, ["tybalt", "juliet", "romeo", "mercutio"])
    meeting.start()
    juliet = meeting.server.log_in("juliet", "x")

    def ask(type_, name, inner=""):
        payload = f"<{name} xmlns='urn:example:ball'>{inner}</{name}>"
        juliet.send(f"<iq type='{type_}' id='q' to='{VCARD}'>{payload}</iq>")
        meeting.pump()
        return juliet.elements()[-1]

    def change(**fields):
        x = submission("urn:example:ball", {var: [text] for var, text in fields.items()})
        return ask("set", "ball", tostring(x, "unicode"))

    def values():
        shown = ask("get", "ball")
        return [value.text for value in shown.iterfind(f".//{X}field/{X}value")][1:]

    def guests(inner):
        found = ask("get", "guests", f"<set xmlns='{RESULT_SET}'>{inner}</set>")
        first = found.find(f".//{{{RESULT_SET}}}first")
        return first.get("index"), [each.get("name") for each in found[0] if each.get("name")]

    assert values() == ["At the Capulets'", "1", "50"]
    assert change(name="At ours", masked="false").get("type") == "result"
    assert values() == ["At ours", "0", "50"]
    assert condition(change(name="At ours", guests="1")) == "not-acceptable"
    assert condition(change(name="")) == "not-acceptable"
    assert values() == ["At ours", "0", "50"]
    assert guests("<max>2</max>") == ("0", ["juliet", "mercutio"])
    assert guests("<max>2</max><after>mercutio</after>") == ("2", ["romeo", "tybalt"])
    assert guests("<max>1</max><before>romeo</before>") == ("1", ["mercutio"])
    assert guests("<max>1</max><before/>") == ("3", ["tybalt"])
    assert guests("<index>3</index>") == ("3", ["tybalt"])


def test_operators_have_commands_at_once_and_by_a_form():
    meeting = Meeting()
    known = {JID.parse("tybalt@capulet.lit")}
    function("operators")(meeting.component, meeting.disco, {JULIET}, known)
    meeting.start()
    juliet, romeo = (meeting.server.log_in(name, "x") for name in PEOPLE)

    def ask(person, node, inner=""):
        payload = f"<command xmlns='{ns.COMMANDS}' node='{node}'>{inner}</command>"
        person.send(f"<iq type='set' id='q' to='{VCARD}'>{payload}</iq>")
        meeting.pump()
        return person.elements()[-1]

    def forget(whom):
        x = submission("urn:example:forget", {"account": [whom]})
        return ask(juliet, "forget", tostring(x, "unicode"))

    assert condition(ask(romeo, "count")) == "forbidden"
    assert ask(juliet, "count").findtext(".//{*}note") == "1 are known."
    assert ask(juliet, "forget").find(f".//{X}field[@var='account']") is not None
    assert condition(forget("mercutio@capulet.lit")) == "item-not-found"
    assert forget("tybalt@capulet.lit").findtext(".//{*}note") == "tybalt@capulet.lit is forgotten."
    assert not known


def test_cards_are_kept_in_the_servers_place():
    meeting = Meeting(delegation={ns.VCARD: ()})
    function("cards")(meeting.component, meeting.disco)
    meeting.start()
    juliet, romeo = (meeting.server.log_in(name, "x") for name in PEOPLE)
    card = f"<vCard xmlns='{ns.VCARD}'><FN>Juliet</FN></vCard>"

    def ask(person, type_, to, payload):
        person.send(f"<iq type='{type_}' id='q' to='{to}'>{payload}</iq>")
        meeting.pump()
        return person.elements()[-1]

    assert condition(ask(romeo, "get", JULIET, f"<vCard xmlns='{ns.VCARD}'/>")) == "item-not-found"
    assert condition(ask(romeo, "set", JULIET, card)) == "forbidden"
    assert ask(juliet, "set", JULIET, card).get("type") == "result"
    answer = ask(romeo, "get", JULIET, f"<vCard xmlns='{ns.VCARD}'/>")
    assert answer.find(f".//{{{ns.VCARD}}}FN").text == "Juliet"
    assert answer.get("from") == JULIET


def test_a_matchmaker_speaks_for_those_who_have_written_to_it():
    grants = {"roster": "get", "message": "outgoing", "presence": "managed_entity"}
    meeting = Meeting(**grants, iq={ns.PRIVATE: "set"})
    remember = function("matchmaker")(meeting.component)
    meeting.start()
    friends(meeting.server, JULIET, "romeo@capulet.lit")
    juliet, romeo = (meeting.server.log_in(name, "x").send("<presence/>") for name in PEOPLE)
    meeting.pump()
    romeo.elements()
    juliet.send(f"<message to='{VCARD}'><body>now</body></message>")
    meeting.pump()
    assert bodies(romeo) == ["Meet me."]
    juliet.send(
        f"<iq type='set' id='r'><query xmlns='{ns.ROSTER}'><item jid='nurse@x.lit'/></query></iq>"
    )
    meeting.pump()
    assert "Your roster changed." in bodies(juliet)
    remembering = Deferred.fromCoroutine(remember(JULIET, b"<m xmlns='urn:m'/>"))
    meeting.pump()
    assert remembering.result is None


def test_a_matchmaker_that_was_granted_nothing_sends_nothing():
    meeting = Meeting()
    remember = function("matchmaker")(meeting.component)
    meeting.start()
    with pytest.raises(NotGranted):
        remember(JULIET, b"<m xmlns='urn:m'/>").send(None)


def test_a_herald_reaches_many():
    meeting = Meeting(multicast=10)
    proclaim = function("herald")(meeting.component)
    meeting.start()
    people = [meeting.server.log_in("juliet", str(n)) for n in range(5)]
    proclaim([JID.parse(person.jid) for person in people], "Peace!")
    meeting.pump()
    assert [bodies(person) for person in people] == [["Peace!"]] * 5


def test_a_crier_speaks_for_an_account_to_many():
    meeting = Meeting(multicast=10, message="outgoing")
    tell = function("crier")(meeting.component)
    meeting.start()
    people = [meeting.server.log_in("romeo", str(n)) for n in range(5)]
    tell(JULIET, [JID.parse(person.jid) for person in people], b"<body>Hist!</body>")
    assert meeting.line.written.count(b"<privilege ") == 1
    meeting.pump()
    assert [bodies(person) for person in people] == [["Hist!"]] * 5


def test_an_audience_is_who_wants_events_of_a_node():
    meeting = Meeting(presence="managed_entity", interests=True)
    of = function("audience")(meeting.component)
    meeting.start()
    juliet = appear(meeting.server.log_in("juliet", "x"), EXODUS)
    meeting.pump()
    (request,) = asked(juliet)
    reply(juliet, request, EXODUS.info)
    meeting.server.clock.advance(0)
    meeting.pump()
    assert (of("urn:example:mood"), of("urn:example:tune")) == ({juliet.jid}, set())
    juliet.send("<presence type='unavailable'/>")
    meeting.pump()
    assert of("urn:example:mood") == set()
