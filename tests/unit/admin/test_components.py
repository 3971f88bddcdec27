"""What an operator asks about components, on a whole server in memory."""

import re

import pytest

from tests.support.components import ECHO, SECRET, Component, table
from tests.support.deferred import result
from tests.support.server import DOMAIN, STRANGER, Verona
from xmppd.admin import display
from xmppd.admin.commands import perform
from xmppd.admin.operated import CommandError, Operated

SUBJECTS = re.compile("roster|presence")
ROOMS = f"rooms.{DOMAIN}"


@pytest.fixture
def verona():
    components = {ECHO: table(), ROOMS: table(instances=2)}
    return Verona(components=components)


def do(verona, command, bundled=(), **args):
    operated = Operated(verona.host, facts=lambda: {"bundled": bundled})
    return result(perform(operated, command, args))


def shown(verona, **facts):
    return list(display.components(do(verona, "components", **facts)))


def test_one_that_is_there_is_told_with_what_it_has_done_and_owes(verona):
    echo = Component(verona, ECHO, STRANGER).log_in()
    verona.clock.advance(61)
    juliet = verona.log_in("juliet")
    juliet.send(f"<message to='{ECHO}'><body>hello</body></message>")
    juliet.send(f"<iq type='get' id='1' to='{ECHO}'><ping xmlns='urn:xmpp:ping'/></iq>")
    echo.send(f"<message from='{ECHO}' to='{juliet.jid}'><body>hello</body></message>")
    echo.clog(512)
    [told, _] = do(verona, "components")["components"]
    assert told == {
        "domain": ECHO,
        "bundled": "",
        "connected": 1,
        "instances": [
            {
                "name": "",
                "connected": True,
                "address": STRANGER,
                "seconds": 61,
                "waiting": 0,
                "waiting_octets": 512,
                "sent": 2,
                "received": 1,
                "pending": 1,
            }
        ],
    }
    assert shown(verona)[0] == (
        f"{ECHO}  {STRANGER}  1m 1s  queued 0 (512 octets)  sent 2  received 1  pending 1"
    )


def test_one_that_was_never_there_is_told_with_its_last_refusal(verona):
    verona.clock.advance(30)
    Component(verona, ECHO, STRANGER).open().prove("wrong")
    verona.clock.advance(60)
    [told, rooms] = do(verona, "components")["components"]
    assert (told["connected"], told["absent_seconds"], told["instances"]) == (0, 90, [])
    assert told["refusal"]["reason"] == "component.secret"
    assert rooms["refusal"] is None
    assert shown(verona) == [
        f"{ECHO}  not connected for 1m 30s",
        f"    2006-12-08 01:59:05Z  component.secret  {ECHO}  from {STRANGER}: "
        "a component that does not know its secret",
        f"{ROOMS}  not connected for 1m 30s",
    ]


def test_one_that_has_gone_is_told_since_when(verona):
    echo = Component(verona, ECHO).log_in()
    verona.clock.advance(100)
    echo.hang_up()
    verona.clock.advance(20)
    assert shown(verona)[0] == f"{ECHO}  not connected for 20s"


def test_each_instance_has_a_line(verona):
    for name in ("a", "b"):
        Component(verona, ROOMS).log_in(instance=name)
    assert [line.partition("  queued")[0] for line in shown(verona)[1:]] == [
        f"{ROOMS}/a  127.0.0.1  0s",
        f"{ROOMS}/b  127.0.0.1  0s",
    ]


def test_bundled_one_is_told_as_such(verona):
    bundled = [{"domain": ECHO, "name": "echo"}]
    assert do(verona, "components", bundled)["components"][0]["bundled"] == "echo"
    assert shown(verona, bundled=bundled)[0] == f"{ECHO} (bundled)  not connected for 0s"


def test_server_without_components_says_so():
    assert shown(Verona()) == ["no component is configured"]


def test_status_says_which_are_there(verona):
    Component(verona, ECHO).log_in()
    assert do(verona, "status")["components"] == {ECHO: 1, ROOMS: 0}


def test_status_says_of_those_that_are_not_since_when_and_why(verona):
    Component(verona, ECHO, STRANGER).open().prove("wrong")
    verona.clock.advance(10)
    absent = do(verona, "status")["absent"]
    assert {name: each["seconds"] for name, each in absent.items()} == {ECHO: 10, ROOMS: 10}
    assert absent[ECHO]["refusal"]["reason"] == "component.secret"
    echo = Component(verona, ECHO).log_in()
    assert set(do(verona, "status")["absent"]) == {ROOMS}
    verona.clock.advance(10)
    echo.hang_up()
    assert do(verona, "status")["absent"][ECHO] == {"seconds": 0, "refusal": None}, "long mended"


# ---------------------------------------------------------------------- drain


def test_drain_waits_for_what_is_begun_and_ends_the_stream(verona):
    echo = Component(verona, ECHO).log_in()
    juliet = verona.log_in("juliet")
    juliet.send(f"<iq type='get' id='1' to='{ECHO}'><ping xmlns='urn:xmpp:ping'/></iq>")
    told = []
    perform(Operated(verona.host), "components drain", {"domain": ECHO}).addCallback(told.append)
    verona.clock.pump([0.1] * 5)
    assert not echo.closed
    echo.send(f"<iq type='result' id='1' from='{ECHO}' to='{juliet.jid}'/>")
    verona.clock.pump([0.1] * 2)
    assert echo.closed
    assert told == [{"domain": ECHO, "unfinished": {"": 0}}]
    assert list(display.drained(told[0])) == [f"{ECHO}: drained, nothing left undone"]


def test_drain_ends_one_of_several_after_the_time_that_is_given(verona):
    a, b = (Component(verona, ROOMS).log_in(instance=name) for name in ("a", "b"))
    told = []
    args = {"domain": ROOMS, "instance": "a", "seconds": 2}
    perform(Operated(verona.host), "components drain", args).addCallback(told.append)
    verona.clock.pump([0.1] * 25)
    assert (a.closed, b.closed) == (True, False)
    [outcome] = told
    assert list(outcome["unfinished"]) == ["a"]
    outcome["unfinished"]["a"] = 1
    assert list(display.drained(outcome)) == [f"{ROOMS}/a: drained, 1 stanza unfinished"]


@pytest.mark.parametrize("args", [{}, {"instance": "a"}, {"seconds": 51}])
def test_drain_of_what_is_not_there_is_refused(verona, args):
    with pytest.raises(CommandError, match=r"is not connected|seconds"):
        do(verona, "components drain", domain=ECHO, **args)


# ---------------------------------------------------------------------- explain


def explained(verona, **args):
    return list(display.grants(do(verona, "explain", **args)))


def test_nothing_that_is_granted_by_default(verona):
    assert explained(verona, domain=ECHO) == [
        f'{ECHO}: [components."{ECHO}"], not connected',
        f"at {DOMAIN} it may not",
        "  answer any requests in the server's place  (delegation)",
        '  read rosters  (roster = "get")',
        '  change rosters  (roster = "set")',
        '  be told when a roster changes  (roster = "get")',
        '  send messages in the name of users and of the domain  (message = "outgoing")',
        "  ask anything in users' names  (iq)",
        '  see the presence of users  (presence = "managed_entity")',
        '  see the presence of their contacts  (presence = "roster")',
        "  see of which nodes their clients want events"
        '  (presence = "managed_entity", interests = true)',
        "  see who shows himself to them without a subscription"
        '  (presence = "roster", interests = true)',
        "  send a stanza to many addresses at once  (multicast)",
        "  carry sessions of clients  (tunnel = true)",
        "  be told of removed accounts  (accounts = true)",
    ]


def test_all_that_can_be_granted_with_the_key_of_each():
    grants = {
        "delegation": {"urn:xmpp:mam:2": ["node", "queryid"], "vcard-temp": []},
        "roster": "both",
        "message": "outgoing",
        "iq": {"http://jabber.org/protocol/pubsub": "both", "jabber:iq:private": "get"},
        "presence": "roster",
        "interests": True,
        "multicast": 20,
        "tunnel": True,
        "accounts": True,
        "domains": [DOMAIN],
    }
    verona = Verona(server={"domains": [DOMAIN, "mantua.lit"]}, components={ECHO: table(**grants)})
    Component(verona, ECHO).log_in()
    bundled = [{"domain": ECHO, "name": "echo"}]
    told = list(display.grants(do(verona, "explain", bundled, domain=ECHO.upper())))
    assert told == [
        f"{ECHO}: bundled as echo, connected (1)",
        f"at {DOMAIN} it may",
        "  answer requests of urn:xmpp:mam:2 that have node and queryid in the server's place"
        '  (delegation."urn:xmpp:mam:2" = ["node", "queryid"])',
        "  answer requests of vcard-temp in the server's place  (delegation.vcard-temp = [])",
        '  read rosters  (roster = "both")',
        '  change rosters  (roster = "both")',
        '  be told when a roster changes  (roster = "both", roster_push = true)',
        '  send messages in the name of users and of the domain  (message = "outgoing")',
        "  ask in users' names, by get and set, with http://jabber.org/protocol/pubsub"
        '  (iq."http://jabber.org/protocol/pubsub" = "both")',
        '  ask in users\' names, by get, with jabber:iq:private  (iq."jabber:iq:private" = "get")',
        '  see the presence of users  (presence = "roster")',
        '  see the presence of their contacts  (presence = "roster")',
        "  see of which nodes their clients want events  (interests = true)",
        "  see who shows himself to them without a subscription"
        '  (presence = "roster", interests = true)',
        "  send a stanza to 20 addresses at once  (multicast = 20)",
        "  carry sessions of clients  (tunnel = true)",
        "  be told of removed accounts  (accounts = true)",
        "at mantua.lit: nothing is granted, its domains are others",
    ]


@pytest.mark.parametrize(
    ("grants", "may", "may_not"),
    [
        (
            {"roster": "set"},
            [("change rosters", 'roster = "set"')],
            [
                ("read rosters", 'roster = "both"'),
                ("be told when a roster changes", 'roster = "both"'),
            ],
        ),
        (
            {"roster": "get", "roster_push": False},
            [("read rosters", 'roster = "get"')],
            [
                ("change rosters", 'roster = "both"'),
                ("be told when a roster changes", "roster_push = true"),
            ],
        ),
        (
            {"roster": "get", "presence": "managed_entity"},
            [
                ("read rosters", 'roster = "get"'),
                ("be told when a roster changes", 'roster = "get", roster_push = true'),
                ("see the presence of users", 'presence = "managed_entity"'),
            ],
            [
                ("change rosters", 'roster = "both"'),
                ("see the presence of their contacts", 'presence = "roster"'),
            ],
        ),
    ],
)
def test_grants_in_part(grants, may, may_not):
    verona = Verona(components={ECHO: table(**grants)})
    [at] = do(verona, "explain", domain=ECHO)["domains"]

    def told(found):
        return [(each["what"], each["key"]) for each in found if SUBJECTS.search(each["what"])]

    assert told(at["may"]) == may
    assert [each for each in told(at["may_not"]) if each in may_not] == may_not


def test_who_has_to_do_with_accounts_is_told_of_removed_ones():
    """Whether it has asked for that or not."""
    verona = Verona(components={ECHO: table(iq={"jabber:iq:private": "get"}, roster="get")})
    [at] = do(verona, "explain", domain=ECHO)["domains"]
    assert {"what": "be told of removed accounts", "key": "iq, roster"} in at["may"]


@pytest.mark.parametrize("domain", ["masks.capulet.lit", DOMAIN, "a b", ""])
def test_one_that_is_none_is_refused(verona, domain):
    with pytest.raises(CommandError, match=r"is no component of this server\. xmppctl components"):
        do(verona, "explain", domain=domain)


def test_secret_is_never_told(verona):
    told = f"{do(verona, 'components')}{do(verona, 'explain', domain=ECHO)}"
    assert SECRET not in told
