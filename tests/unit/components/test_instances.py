"""Several instances of a component, removed accounts, and the end of a drained one."""

import pytest
from twisted.internet.defer import CancelledError, Deferred

from components.common.accounts import Accounts
from components.common.connection import Pace
from components.common.instances import ALONE, Epoch, Instances
from tests.support.components import SECRET
from tests.support.components import Component as Wire
from tests.support.kit import DOMAIN, SERVER, Server, iq
from tests.support.meeting import VCARD, Meeting
from xmppd import ns
from xmppd.core.components import node
from xmppd.core.components.choice import Owners
from xmppd.jid import JID

ROOMS = [JID.parse(f"room{number}@{DOMAIN}/nick") for number in range(50)]
NODES = [f"princely_musings_{number}" for number in range(50)]


def announce(number, own="a", names="ab", sender=SERVER, by="to"):
    shown = "".join(f"<instance name='{name}'/>" for name in names)
    attrs = f"epoch='{number}' self='{own}' by='{by}'"
    payload = f"<instances xmlns='{ns.INSTANCES}' {attrs}>{shown}</instances>"
    return iq("set", payload, sender=sender)


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def instances(server):
    component = server.component()
    server.let_in()
    return Instances(component)


def test_alone_it_acts_for_all(instances):
    assert instances.epoch == ALONE
    assert all(instances.own(room) for room in ROOMS)


def test_it_shares_addresses_as_the_server_does():
    epoch, owners = Epoch(1, "a", ("a", "b", "c")), Owners("abc")
    assert [epoch.owner(room) for room in ROOMS] == [owners.of(room.bare) for room in ROOMS]


@pytest.mark.parametrize("by", ["to", "from", "node"])
def test_it_shares_nodes_where_the_server_does(server, instances, by):
    """Those at its domain, and nowhere else."""
    server.send(announce(7, names="abc", by=by))
    epoch, owners = instances.epoch, Owners("abc")
    domain, account = JID.parse(DOMAIN), JID.parse("juliet@example.org")
    for name in NODES:
        key = node.key(domain, name) if by == "node" else DOMAIN
        assert epoch.owner(domain, name) == owners.of(key)
        assert instances.own(domain, name) is (owners.of(key) == "a")
        assert epoch.owner(account, name) == owners.of(account)
    assert epoch.owner(domain) == epoch.owner(domain, "") == owners.of(DOMAIN)


def test_the_server_goes_on_when_it_has_let_go(server, instances):
    changes, letting_go = [], Deferred()
    instances.on_change(lambda epoch: changes.append(epoch) or letting_go)
    server.send(announce(7))
    assert changes == [Epoch(7, "a", ("a", "b"))]
    assert server.take() == b""
    assert {instances.own(room) for room in ROOMS} == {True, False}
    letting_go.callback(None)
    assert b"type='result'" in server.take()


def test_it_lets_go_however_busy_it_is():
    """Who refuses to is taken for one that has nothing, and another has it as well."""
    server = Server()
    component = server.component(pace=Pace(octets=1_000))
    server.let_in(managed=True, session="s1")
    instances = Instances(component)
    component.send(b"<message/>" * 200)
    server.take()
    assert component.crowded
    server.send(iq("get", f"<query xmlns='{ns.DISCO_INFO}'/>"))
    assert b"resource-constraint" in server.take()
    server.send(announce(7))
    assert b"type='result'" in server.take()
    assert instances.epoch.number == 7


def test_who_is_cut_off_acts_for_nobody(server, instances):
    """The server has others act at once; so no two act for an address."""
    server.send(announce(7))
    server.line.cut()
    assert not any(instances.own(room) for room in ROOMS)
    server.pass_time(2)
    server.let_in()
    assert not any(instances.own(room) for room in ROOMS)
    server.send(announce(8))
    assert {instances.own(room) for room in ROOMS} == {True, False}


def test_who_wants_to_know_who_acts_waits_for_the_new_epoch(server, instances):
    server.send(announce(7))
    assert instances.known().called
    server.line.cut()
    server.pass_time(2)
    known, nobody = instances.known(), instances.known()
    nobody.addErrback(lambda failure: failure.trap(CancelledError))
    server.let_in()
    nobody.cancel()
    assert not known.called
    server.send(announce(8))
    assert known.called


def test_a_server_that_says_nothing_of_others_any_more_has_none(server, instances):
    """It was configured anew and restarted."""
    server.send(announce(7))
    server.line.cut()
    server.pass_time(2)
    known = instances.known()
    server.let_in()
    server.pass_time(9)
    assert not known.called
    server.pass_time(2)
    assert known.called
    assert instances.alone
    assert all(instances.own(room) for room in ROOMS)


def test_an_epoch_that_is_over_changes_nothing(server, instances):
    server.send(announce(7) + announce(6, names="a") + announce(7, names="a"))
    assert instances.epoch.names == ("a", "b")
    assert server.take().count(b"type='result'") == 3


@pytest.mark.parametrize("wrong", [{"number": "x"}, {"number": 7, "own": "c"}])
def test_what_makes_no_sense_changes_nothing(server, instances, wrong):
    server.send(announce(**wrong))
    assert b"bad-request" in server.take()
    assert instances.epoch == ALONE


def test_nobody_but_the_server_says_so(server, instances):
    server.send(announce(7, sender="juliet@example.org/balcony"))
    assert b"forbidden" in server.take()
    assert instances.epoch == ALONE


# Accounts


def removal(jid, sender=SERVER):
    return iq("set", f"<removed xmlns='{ns.ACCOUNTS}' jid='{jid}'/>", sender=sender)


def test_a_removed_account_is_forgotten_before_it_is_answered(server):
    forgotten, forgetting = [], Deferred()
    accounts = Accounts(server.component())
    accounts.on_removed(lambda jid: forgotten.append(jid) or forgetting)
    server.let_in().send(removal("juliet@example.org"))
    assert forgotten == ["juliet@example.org"]
    assert server.take() == b""
    forgetting.callback(None)
    assert b"type='result'" in server.take()


def test_what_fails_is_told_as_an_error(server):
    accounts = Accounts(server.component())
    accounts.on_removed(lambda jid: 1 / 0)
    server.let_in().send(removal("juliet@example.org"))
    assert b"internal-server-error" in server.take()


@pytest.mark.parametrize(
    ("jid", "sender"),
    [
        ("juliet@example.org", "juliet@example.org/balcony"),
        ("juliet@example.org", "other.example.org"),
        ("juliet@other.example.org", SERVER),
        ("@", SERVER),
    ],
)
def test_nobody_but_their_server_removes_accounts(server, jid, sender):
    forgotten = []
    Accounts(server.component()).on_removed(forgotten.append)
    server.let_in().send(removal(jid, sender))
    assert b"type='error'" in server.take()
    assert forgotten == []


def test_at_xmppd_an_account_that_is_removed_is_forgotten():
    meeting = Meeting(delegation={"vcard-temp": ()})
    forgotten = []
    Accounts(meeting.component).on_removed(forgotten.append)
    meeting.start()
    server = meeting.server
    server.done(server.host.administrator.remove(JID.parse("juliet@capulet.lit")))
    meeting.pump()
    assert forgotten == ["juliet@capulet.lit"]
    assert server.done(server.host.stores.components.erasures(VCARD, 10)) == []


def test_at_xmppd_instances_are_told_of_each_other():
    meeting = Meeting()
    meeting.server.reload(components={VCARD: {"secret": SECRET, "instances": 2}})
    instances = Instances(meeting.component)
    meeting.start()
    Wire(meeting.server, VCARD).log_in("other")
    meeting.pump()
    assert "other" in instances.epoch.names
    assert len(instances.epoch.names) == 2


# Draining


def test_a_drained_one_does_not_come_back(server):
    drained = []
    component = server.component()
    component.when_drained = lambda: drained.append(True)
    server.let_in().send(
        f"<stream:error><system-shutdown xmlns='{ns.STREAM_ERRORS}'/>"
        f"<drained xmlns='{ns.INSTANCES}'/></stream:error></stream:stream>"
    )
    server.pass_time(120)
    assert drained == [True]
    assert len(server.attempts) == 1


def test_one_whose_server_stops_does(server):
    component = server.component()
    component.when_drained = lambda: 1 / 0
    error = f"<system-shutdown xmlns='{ns.STREAM_ERRORS}'/>"
    server.let_in().send(f"<stream:error>{error}</stream:error></stream:stream>")
    server.pass_time(5)
    assert len(server.attempts) == 2


def test_each_of_two_at_xmppd_is_asked_for_the_nodes_that_are_its_own():
    """XEP-0060: two processes share the nodes of one service, and know it."""
    one = Meeting(instance="one", instances=2, route_by="node")
    two = Meeting(beside=one, instance="two")
    both = [(meeting, Instances(meeting.component), []) for meeting in (one, two)]
    for meeting, _, asked in both:
        meeting.component.iq(
            "get", f"{ns.PUBSUB} pubsub", lambda r, asked=asked: asked.append(r.payload[0])
        )
        meeting.start()
    pump(one, two)
    juliet = one.server.log_in("juliet", "balcony")
    for name in NODES:
        inner = f"<pubsub xmlns='{ns.PUBSUB}'><items node='{name}'/></pubsub>"
        juliet.send(f"<iq type='get' id='{name}' to='{VCARD}'>{inner}</iq>")
    pump(one, two)
    domain = JID.parse(VCARD)
    for _, instances, asked in both:
        mine = [name for name in NODES if instances.own(domain, name)]
        assert mine and [items.get("node") for items in asked] == mine


def pump(*meetings):
    for meeting in (*meetings, *meetings, *meetings):
        meeting.pump()
