"""Privileged entities (XEP-0356): rosters, messages and requests in a user's name."""

import pytest

from tests.support.components import Component, table
from tests.support.people import friends
from tests.support.server import Verona, condition
from xmppd import ns
from xmppd.jid import JID

PUBSUB = "pubsub.capulet.lit"
JULIET, ROMEO = "juliet@capulet.lit", "romeo@capulet.lit"
PEP = "http://jabber.org/protocol/pubsub"


def server_with(**grants):
    return Verona(components={PUBSUB: table(**grants)})


def connect(server):
    component = Component(server, PUBSUB).log_in()
    component.take()
    return component


@pytest.fixture
def server():
    return server_with(roster="both", message="outgoing", iq={PEP: "set", "urn:q": "get"})


@pytest.fixture
def pubsub(server):
    return connect(server)


@pytest.fixture
def juliet(server):
    return server.log_in("juliet", "balcony")


@pytest.fixture
def romeo(server):
    return server.log_in("romeo", "orchard")


# What they are told


def permissions(server):
    component = Component(server, PUBSUB).open().prove()
    told = component.elements()[1:]
    return {
        perm.get("access"): {key: value for key, value in perm.attrib.items() if key != "access"}
        for message in told
        for perm in message[0]
    }


@pytest.mark.parametrize(
    ("grants", "told"),
    [
        ({}, {}),
        ({"roster": "get"}, {"roster": {"type": "get", "push": "true"}}),
        ({"roster": "both", "roster_push": False}, {"roster": {"type": "both", "push": "false"}}),
        ({"roster": "set"}, {"roster": {"type": "set"}}),
        ({"message": "outgoing"}, {"message": {"type": "outgoing"}}),
        ({"presence": "managed_entity"}, {"presence": {"type": "managed_entity"}}),
        ({"iq": {PEP: "both"}}, {"iq": {}}),
    ],
)
def test_4_2_5_2_6_2_a_component_is_told_what_it_may_do(grants, told):
    assert permissions(server_with(**grants)) == told


def test_6_2_the_namespaces_of_requests_are_told(server):
    component = Component(server, PUBSUB).open().prove()
    message = component.elements()[1]
    assert (message.get("from"), message.get("to")) == ("capulet.lit", PUBSUB)
    named = {each.get("ns"): each.get("type") for each in message.iter() if each.get("ns")}
    assert named == {PEP: "set", "urn:q": "get"}


def test_4_2_what_is_taken_back_is_told(server, pubsub):
    server.reload(components={PUBSUB: table()})
    told = pubsub.one()
    assert (told.get("from"), told[0].tag) == ("capulet.lit", f"{{{ns.PRIVILEGE}}}privilege")
    assert len(told[0]) == 0


def test_4_2_who_comes_back_to_nothing_is_told_nothing(server, pubsub):
    pubsub.hang_up()
    server.reload(components={PUBSUB: table()})
    again = Component(server, PUBSUB).open().prove()
    assert [each.tag for each in again.elements()] == [f"{{{ns.COMPONENT}}}handshake"]


def test_the_server_says_that_it_knows_it(juliet):
    answer = juliet.ask(f"<query xmlns='{ns.DISCO_INFO}'/>", to="capulet.lit")
    assert ns.PRIVILEGE in [each.get("var") for each in answer[0]]


# 4 Rosters


def roster(component, type_="get", item="", to=JULIET):
    component.send(
        f"<iq type='{type_}' id='r' to='{to}'><query xmlns='{ns.ROSTER}'>{item}</query></iq>"
    )
    return component.one()


def test_4_3_a_roster_is_read(server, pubsub):
    friends(server, JULIET, ROMEO)
    answer = roster(pubsub)
    assert (answer.get("from"), answer.get("type")) == (JULIET, "result")
    assert [item.get("jid") for item in answer[0]] == [ROMEO]


def test_4_3_a_roster_is_changed_and_its_owner_is_told(server, juliet, pubsub):
    juliet.ask(f"<query xmlns='{ns.ROSTER}'/>")
    pubsub.send(
        f"<iq type='set' id='r' to='{JULIET}'><query xmlns='{ns.ROSTER}'>"
        f"<item jid='{ROMEO}' name='Montague'/></query></iq>"
    )
    push = juliet.one()
    assert push[0][0].get("name") == "Montague"
    kinds = [(each.get("type"), each.get("from")) for each in pubsub.elements()]
    assert kinds == [("set", JULIET), ("result", JULIET)]


@pytest.mark.parametrize(
    ("granted", "type_"), [("none", "get"), ("none", "set"), ("get", "set"), ("set", "get")]
)
def test_4_3_who_may_not_is_forbidden(granted, type_):
    component = connect(server_with(roster=granted))
    assert condition(roster(component, type_, f"<item jid='{ROMEO}'/>")) == "forbidden"


def test_4_3_of_no_user_there_is_no_roster(pubsub):
    assert condition(roster(pubsub, to="nobody@capulet.lit")) == "forbidden"


def test_4_3_another_domains_rosters_are_not_granted():
    domains = ["capulet.lit", "montague.lit"]
    grants = table(roster="both", domains=["montague.lit"])
    server = Verona(server={"domains": domains}, components={PUBSUB: grants})
    assert condition(roster(connect(server))) == "forbidden"


def test_another_user_still_may_not(romeo):
    answer = romeo.ask(f"<query xmlns='{ns.ROSTER}'/>", to=JULIET)
    assert condition(answer) == "forbidden"


def test_4_4_changes_are_pushed(server, juliet, pubsub):
    juliet.ask(f"<query xmlns='{ns.ROSTER}'><item jid='{ROMEO}'/></query>", "set")
    push = pubsub.one()
    assert (push.get("type"), push.get("from"), push.get("to")) == ("set", JULIET, PUBSUB)
    assert push[0][0].get("jid") == ROMEO
    juliet.ask(
        f"<query xmlns='{ns.ROSTER}'><item jid='{ROMEO}' subscription='remove'/></query>", "set"
    )
    assert pubsub.one()[0][0].get("subscription") == "remove"


@pytest.mark.parametrize(
    "grants", [{"roster": "set"}, {"roster": "both", "roster_push": False}, {}]
)
def test_4_4_who_does_not_want_them_or_may_not_gets_none(grants):
    server = server_with(**grants)
    component = connect(server)
    server.log_in("juliet").ask(f"<query xmlns='{ns.ROSTER}'><item jid='{ROMEO}'/></query>", "set")
    assert component.take() == b""


# 5 Messages


def say(author, to, content="<body>Hist!</body>", attrs="type='chat'", kind="message"):
    sender = f" from='{author}'" if author else ""
    return (
        f"<message to='capulet.lit' id='e'><privilege xmlns='{ns.PRIVILEGE}'>"
        f"<forwarded xmlns='{ns.FORWARD}'><{kind} xmlns='jabber:client'{sender} to='{to}' id='m'"
        f" {attrs}>{content}</{kind}></forwarded></privilege></message>"
    )


def test_5_3_a_message_is_sent_in_a_users_name(pubsub, romeo):
    pubsub.send(say(JULIET, romeo.jid))
    got = romeo.one()
    assert got.attrib == {"from": JULIET, "to": romeo.jid, "id": "m", "type": "chat"}
    assert got.findtext("{jabber:client}body") == "Hist!"
    assert pubsub.take() == b""


def test_5_3_hints_and_ids_may_stand_beside_it(pubsub, romeo):
    said = say(JULIET, romeo.jid)
    head, end = said.rsplit("</message>", 1)[0], "</message>"
    pubsub.send(f"{head}<origin-id xmlns='urn:xmpp:sid:0' id='1'/>{end}")
    assert romeo.one().findtext("{jabber:client}body") == "Hist!"
    assert pubsub.take() == b""


def test_5_3_and_in_the_servers(pubsub, romeo):
    pubsub.send(say("capulet.lit", romeo.jid))
    assert romeo.one().get("from") == "capulet.lit"


@pytest.mark.parametrize(
    "author",
    [
        f"{JULIET}/balcony",
        "juliet@mantua.lit",
        PUBSUB,
        f"x@{PUBSUB}",
        "nobody@capulet.lit",
        "@",
        "",
    ],
)
def test_5_1_no_other_author_is_spoken_for(server, pubsub, romeo, author):
    pubsub.send(say(author, romeo.jid))
    error = pubsub.one()
    assert (error.get("id"), condition(error)) == ("e", "forbidden")
    assert romeo.take() == b""


def test_5_1_nobody_speaks_for_a_guest():
    domains = ["capulet.lit", "masks.lit"]
    server = Verona(
        server={"domains": domains},
        auth={"anonymous": ["masks.lit"]},
        components={PUBSUB: table(message="outgoing")},
    )
    pubsub, romeo = connect(server), server.log_in("romeo", "orchard")
    guest = server.connect().open(to="masks.lit")
    guest.send(f"<auth xmlns='{ns.SASL}' mechanism='ANONYMOUS'>=</auth>").open("masks.lit")
    name = JID.parse(guest.bind().findtext(f".//{{{ns.BIND}}}jid")).bare
    pubsub.send(say(name, romeo.jid).replace("to='capulet.lit' id='e'", "to='masks.lit' id='e'"))
    assert condition(pubsub.one()) == "forbidden"
    assert romeo.take() == b""


def test_5_1_who_may_not_is_forbidden(romeo):
    server = server_with(roster="both")
    component = connect(server)
    romeo = server.log_in("romeo")
    component.send(say(JULIET, romeo.jid))
    assert condition(component.one()) == "forbidden"
    assert romeo.take() == b""


def test_5_1_a_user_may_not(juliet, romeo):
    juliet.send(say(ROMEO, romeo.jid))
    assert condition(juliet.one()) == "forbidden"
    assert romeo.take() == b""


def test_5_3_an_error_that_gives_a_message_back_sends_none(pubsub, romeo):
    said = say(JULIET, romeo.jid).replace("id='e'", "id='e' type='error'", 1)
    pubsub.send(said)
    assert (romeo.take(), pubsub.take()) == (b"", b"")


@pytest.mark.parametrize(
    "content",
    [
        f"<privilege xmlns='{ns.PRIVILEGE}'/>",
        f"<privilege xmlns='{ns.PRIVILEGE}'><forwarded xmlns='{ns.FORWARD}'/></privilege>",
        f"<privilege xmlns='{ns.PRIVILEGE}'><message xmlns='jabber:client'/></privilege>",
    ],
)
def test_5_3_what_forwards_no_message_is_refused(pubsub, content):
    pubsub.send(f"<message to='capulet.lit' id='e'>{content}</message>")
    assert condition(pubsub.one()) == "bad-request"


def test_5_3_the_servers_message_is_for_somebody(pubsub):
    pubsub.send(
        f"<message id='m' to='capulet.lit'><privilege xmlns='{ns.PRIVILEGE}'>"
        f"<forwarded xmlns='{ns.FORWARD}'><message xmlns='{ns.CLIENT}' from='capulet.lit'>"
        f"<body>Hist!</body></message></forwarded></privilege></message>"
    )
    assert condition(pubsub.one()) == "bad-request"


def test_5_3_a_presence_is_no_message(pubsub, romeo):
    pubsub.send(say(JULIET, ROMEO, "", "", "presence"))
    assert condition(pubsub.one()) == "bad-request"
    assert romeo.take() == b""


def test_the_users_other_clients_see_it(server, pubsub, juliet, romeo):
    """As of what one of them had sent itself (XEP-0280 §8)."""
    juliet.ask(f"<enable xmlns='{ns.CARBONS}'/>", "set")
    pubsub.send(say(JULIET, romeo.jid))
    assert juliet.one()[0].tag == f"{{{ns.CARBONS}}}sent"
    assert romeo.one()


RESULT = (
    "<result xmlns='{}' id='1' queryid='q'><forwarded xmlns='urn:xmpp:forward:0'>"
    "<delay xmlns='urn:xmpp:delay' stamp='2006-12-08T01:58:35Z'/>"
    "<message xmlns='jabber:client' from='romeo@capulet.lit'><body>O</body></message>"
    "</forwarded></result>"
)


@pytest.mark.parametrize(
    "content",
    [
        RESULT.format("urn:xmpp:mam:2"),
        RESULT.format("urn:xmpp:m&#97;m:1"),
        "<fin xmlns='urn:xmpp:mam:0'/>",
        "<body/><p:x xmlns:p='urn:xmpp:mam:2'/>",
    ],
)
def test_9_what_a_users_archive_alone_may_say_is_not_said_in_his_name(pubsub, juliet, content):
    """His clients believe it, since it comes from his bare JID (XEP-0313)."""
    pubsub.send(say(JULIET, juliet.jid, content))
    assert condition(pubsub.one()) == "forbidden"
    assert juliet.take() == b""


def test_9_who_answers_for_the_archive_says_it(juliet):
    delegated = {"urn:xmpp:mam:2": ()}
    server = server_with(message="outgoing", delegation=delegated)
    archive, juliet = connect(server), server.log_in("juliet", "balcony")
    archive.send(say(JULIET, juliet.jid, RESULT.format("urn:xmpp:mam:2")))
    assert juliet.one()[0].tag == "{urn:xmpp:mam:2}result"
    archive.take()
    archive.send(say(JULIET, juliet.jid, RESULT.format("urn:xmpp:mam:1")))
    assert condition(archive.one()) == "forbidden"


def test_9_nor_what_his_server_alone_may_say(pubsub, juliet):
    """Copies of messages (XEP-0280 §11): as where he had sent them himself."""
    sent = RESULT.replace("result", "sent").format(ns.CARBONS)
    pubsub.send(say(JULIET, juliet.jid, sent))
    assert b"sent" not in juliet.take()


def test_whom_the_user_blocks_gets_nothing(server, pubsub, juliet, romeo):
    juliet.ask(f"<block xmlns='{ns.BLOCKING}'><item jid='{ROMEO}'/></block>", "set")
    juliet.take()
    pubsub.send(say(JULIET, romeo.jid))
    assert condition(pubsub.one()) == "not-acceptable"
    juliet.send("</stream:stream>")
    server.host.residents.forget(juliet.jid.bare)
    pubsub.send(say(JULIET, romeo.jid))
    assert condition(pubsub.one()) == "not-acceptable"
    assert romeo.take() == b""


def test_who_blocks_the_user_gets_nothing(server, pubsub, romeo):
    romeo.ask(f"<block xmlns='{ns.BLOCKING}'><item jid='{JULIET}'/></block>", "set")
    romeo.take()
    pubsub.send(say(JULIET, romeo.jid))
    assert romeo.take() == b""


def test_who_is_away_gets_it_later(server, pubsub):
    pubsub.send(say(JULIET, ROMEO))
    romeo = server.connect().log_in("romeo")
    romeo.send("<presence/>")
    assert "Hist!" in [each.findtext("{jabber:client}body") for each in romeo.elements()]


# 6 Requests


def request(to=JULIET, type_="set", content=f"<pubsub xmlns='{PEP}'/>", outer=None, **attrs):
    shown = {"xmlns": "jabber:client", "type": type_, "id": "i", "to": ROMEO, **attrs}
    head = "".join(f" {key}='{value}'" for key, value in shown.items() if value)
    return (
        f"<iq type='{outer or type_}' id='o' to='{to}'><privileged_iq xmlns='{ns.PRIVILEGE}'>"
        f"<iq{head}>{content}</iq></privileged_iq></iq>"
    )


def forwarded(answer):
    assert (answer.get("type"), answer.get("id"), answer.get("from")) == ("result", "o", JULIET)
    (privilege,) = answer
    assert privilege.tag == f"{{{ns.PRIVILEGE}}}privilege"
    ((inner,),) = privilege
    return inner


def test_6_3_a_request_is_made_in_a_users_name(pubsub, romeo):
    pubsub.send(request(to=JULIET).replace(f"to='{ROMEO}'", f"to='{romeo.jid}'"))
    asked = romeo.one()
    assert (asked.get("from"), asked.get("type")) == (JULIET, "set")
    assert asked.get("id") != "i", "nobody else can guess it"
    romeo.send(f"<iq type='result' id='{asked.get('id')}' to='{JULIET}'><x xmlns='urn:x'/></iq>")
    inner = forwarded(pubsub.one())
    assert inner.attrib == {"type": "result", "id": "i", "from": romeo.jid, "to": JULIET}
    assert inner[0].tag == "{urn:x}x"


def test_6_3_the_answer_is_forwarded_as_it_was_written(pubsub, romeo):
    """To write it anew takes several times as long as all else: it may be large."""
    pubsub.send(request(to=JULIET).replace(f"to='{ROMEO}'", f"to='{romeo.jid}'"))
    said = """<x xmlns="urn:x" y = 'z' ></x>"""
    romeo.send(f"<iq type='result' id='{romeo.one().get('id')}' to='{JULIET}'>{said}</iq>")
    assert said.encode() in pubsub.take()


def test_6_3_an_error_is_forwarded_too(pubsub):
    pubsub.send(request())
    inner = forwarded(pubsub.one())
    assert inner.get("type") == "error"
    assert condition(inner) == "service-unavailable"


def test_6_3_the_users_own_name_may_be_spelled(pubsub):
    pubsub.send(request(**{"from": JULIET}))
    assert forwarded(pubsub.one())


def test_6_3_without_to_it_is_for_the_account(pubsub):
    pubsub.send(request().replace(f" to='{ROMEO}'", ""))
    assert forwarded(pubsub.one()).get("from") == JULIET


@pytest.mark.parametrize("online", [False, True])
def test_6_3_it_reaches_the_users_own_account_as_his_own_does(online):
    """Private XML (XEP-0049), which is nobody else's."""
    server = server_with(iq={ns.PRIVATE: "both"})
    pubsub = connect(server)
    if online:
        server.log_in("juliet", "balcony")
    for type_, text in (("set", "rosemary"), ("get", "")):
        query = f"<query xmlns='{ns.PRIVATE}'><m xmlns='urn:m'>{text}</m></query>"
        pubsub.send(request(type_=type_, content=query).replace(f" to='{ROMEO}'", ""))
        inner = forwarded(pubsub.one())
        assert inner.get("type") == "result"
    assert inner[0][0].text == "rosemary"


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "nobody@capulet.lit"},
        {"content": "<q xmlns='urn:other'/>"},
        {"content": ""},
        {"content": f"<pubsub xmlns='{PEP}'/><pubsub xmlns='{PEP}'/>"},
        {"type_": "get"},
        {"type_": "set", "content": "<q xmlns='urn:q'/>"},
        {"outer": "get"},
        {"xmlns": "jabber:server"},
        {"xmlns": None},
        {"from": ROMEO},
        {"from": f"{JULIET}/balcony"},
    ],
)
def test_6_3_what_is_not_granted_is_forbidden(pubsub, romeo, wrong):
    pubsub.send(request(**wrong))
    error = pubsub.one()
    assert condition(error) == "forbidden"
    assert romeo.take() == b""


@pytest.mark.parametrize("to", ["capulet.lit", f"{ROMEO}/orchard", f"{ROMEO}/nowhere"])
def test_6_3_what_is_to_no_bare_jid_of_a_user_is_forbidden(pubsub, romeo, to):
    pubsub.send(request(to=to))
    assert condition(pubsub.one()) == "forbidden"
    assert romeo.take() == b""


@pytest.mark.parametrize(
    "query",
    [
        f"<query xmlns='{ns.ROSTER}'/>",
        f"<blocklist xmlns='{ns.BLOCKING}'/>",
        f"<query xmlns='{ns.PRIVACY}'/>",
    ],
)
def test_6_3_the_users_own_account_answers_as_it_answers_him(query):
    """As if it were sent by the user himself; to all others it says nothing."""
    namespace = query.split("'")[1]
    server = server_with(iq={namespace: "get"})
    friends(server, JULIET, ROMEO)
    block = f"<block xmlns='{ns.BLOCKING}'><item jid='moon.lit'/></block>"
    server.log_in("juliet").ask(block, "set")
    pubsub = connect(server)
    pubsub.send(request(type_="get", content=query, to=JULIET).replace(f" to='{ROMEO}'", ""))
    inner = forwarded(pubsub.one())
    assert inner.get("type") == "result"
    assert len(inner[0]) == 1 + (namespace == ns.PRIVACY)
    romeo = server.log_in("romeo")
    assert romeo.ask(query, to=JULIET).get("type") == "error"
    pubsub.send(f"<iq type='get' id='x' to='{JULIET}'>{query}</iq>")
    assert pubsub.one().get("type") == "error"


def test_6_3_a_change_in_the_users_name_is_told_to_his_clients():
    server = server_with(iq={ns.ROSTER: "set"})
    juliet = server.log_in("juliet", "balcony")
    juliet.ask(f"<query xmlns='{ns.ROSTER}'/>")
    pubsub = connect(server)
    query = f"<query xmlns='{ns.ROSTER}'><item jid='{ROMEO}'/></query>"
    pubsub.send(request(content=query, to=JULIET).replace(f" to='{ROMEO}'", ""))
    assert forwarded(pubsub.one()).get("type") == "result"
    assert juliet.one()[0][0].get("jid") == ROMEO


def test_6_3_a_user_may_not(romeo):
    answer = romeo.ask(
        f"<privileged_iq xmlns='{ns.PRIVILEGE}'><iq xmlns='jabber:client' type='set' id='i'>"
        f"<pubsub xmlns='{PEP}'/></iq></privileged_iq>",
        "set",
        JULIET,
    )
    assert condition(answer) == "forbidden"


def test_6_3_who_is_blocked_is_not_asked(pubsub, juliet, romeo):
    juliet.ask(f"<block xmlns='{ns.BLOCKING}'><item jid='{ROMEO}'/></block>", "set")
    pubsub.send(request().replace(f"to='{ROMEO}'", f"to='{romeo.jid}'"))
    assert condition(pubsub.one()) == "not-acceptable"
    assert romeo.take() == b""


def test_6_3_who_says_nothing_is_answered_for(server, pubsub, romeo):
    pubsub.send(request().replace(f"to='{ROMEO}'", f"to='{romeo.jid}'"))
    server.clock.advance(61)
    assert condition(forwarded(pubsub.one())) == "remote-server-timeout"


@pytest.mark.parametrize(
    "content",
    [
        f"<privilege xmlns='{ns.PRIVILEGE}'><perm access='presence' type='roster'/></privilege>",
        f"<delegation xmlns='{ns.DELEGATION}'/>",
        f"<session xmlns='{ns.TUNNEL}'><close/></session>",
    ],
)
def test_nobody_says_in_the_servers_name_what_components_believe_of_it(content):
    other = "other.capulet.lit"
    server = Verona(components={PUBSUB: table(message="outgoing"), other: table()})
    pubsub, victim = connect(server), Component(server, other).log_in()
    message = f"<message xmlns='{ns.CLIENT}' from='capulet.lit' to='{other}'>{content}</message>"
    forwarded = f"<forwarded xmlns='{ns.FORWARD}'>{message}</forwarded>"
    pubsub.send(
        f"<message to='capulet.lit'><privilege xmlns='{ns.PRIVILEGE}'>{forwarded}</privilege>"
        "</message>"
    )
    assert condition(pubsub.one()) == "forbidden"
    assert victim.take() == b""


def test_what_the_server_is_to_say_to_nobody_is_refused():
    server = server_with(message="outgoing")
    pubsub = connect(server)
    message = f"<message xmlns='{ns.CLIENT}' from='capulet.lit'><body>hi</body></message>"
    forwarded = f"<forwarded xmlns='{ns.FORWARD}'>{message}</forwarded>"
    pubsub.send(
        f"<message to='capulet.lit'><privilege xmlns='{ns.PRIVILEGE}'>{forwarded}</privilege>"
        "</message>"
    )
    assert condition(pubsub.one()) == "bad-request"
