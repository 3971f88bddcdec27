"""What reaches another instance than the one that it concerns is passed on to that one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from components.common import instances as kit
from components.common.component import Component
from components.common.instances import Instances
from components.common.stanza import Stanza
from tests.support.components import Component as Wire
from tests.support.components import table
from tests.support.kit import DOMAIN, SERVER, Server, iq
from tests.support.meeting import VCARD, Meeting
from tests.unit.components.test_instances import announce
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID

HERE = JID.parse(DOMAIN)
JULIET = "juliet@example.org/balcony"
BODY = b"<body>but soft</body>"
MESSAGE = (
    f"<message xmlns='{ns.CLIENT}' from='{JULIET}' to='{DOMAIN}' id='m1' xml:lang='it'>"
    "<body>but soft</body><x xmlns='urn:x'/></message>"
)


@pytest.fixture
def instances(server: Server, component: Component) -> Instances:
    instances = Instances(component)
    server.send(announce(7, by="node"))
    server.take()
    return instances


def node_of(instances: Instances, owner: str) -> str:
    names = (f"play{number}" for number in range(100))
    return next(name for name in names if instances.epoch.owner(HERE, name) == owner)


def passing(attrs: str, inner: str = MESSAGE, sender: str = DOMAIN) -> bytes:
    payload = f"<forwarded xmlns='{ns.FORWARD}'>{inner}</forwarded>"
    return iq("set", f"<pass xmlns='{ns.INSTANCES}' {attrs}>{payload}</pass>", sender=sender)


def message(inner: bytes = BODY, **attrs: str) -> Stanza:
    shown = {"from": JULIET, "to": DOMAIN, "id": "m1", **attrs}
    return Stanza("message", shown, [f"{ns.COMPONENT} body"], inner)


def outcome(later: Any) -> list[Any]:
    found: list[Any] = []
    Deferred.fromCoroutine(later).addBoth(found.append)
    return found


def test_it_is_handled_as_if_it_had_come_there(
    server: Server, component: Component, instances: Instances
) -> None:
    seen: list[Stanza] = []
    component.on_message(seen.append, "urn:x x")
    server.send(passing("instance='a'"))
    (stanza,) = seen
    assert (stanza.sender, stanza.to, stanza.id, stanza.type) == (JULIET, DOMAIN, "m1", "")
    assert stanza.attrs[f"{ns.XML} lang"] == "it"
    assert stanza.element.findtext(stanza.named("body")) == "but soft"
    assert b"type='result'" in server.take()


def test_an_error_is_handled_as_one(
    server: Server, component: Component, instances: Instances
) -> None:
    seen: list[Stanza] = []
    component.on_error(seen.append)
    server.send(passing("instance='a'", MESSAGE.replace(" id=", " type='error' id=")))
    assert [each.id for each in seen] == ["m1"]


def test_its_sender_is_told_what_is_wrong_and_the_instance_that_it_was_handled(
    server: Server, component: Component, instances: Instances
) -> None:
    def refuse(stanza: Stanza) -> None:
        raise StanzaError("not-acceptable", reason="stanza.malformed")

    component.on_message(refuse)
    server.send(passing("instance='a'"))
    data = server.take()
    assert data.index(f"to='{JULIET}' type='error' id='m1'".encode()) < data.index(b"type='result'")
    assert b"not-acceptable" in data


def test_who_passes_it_on_hears_when_it_was_handled(
    server: Server, component: Component, instances: Instances
) -> None:
    handling: Deferred[None] = Deferred()
    component.on_message(lambda _: handling)
    server.send(passing("instance='a'"))
    assert server.take() == b""
    handling.callback(None)
    assert b"type='result'" in server.take()


@pytest.mark.parametrize("sender", [JULIET, SERVER, "other.example.org", f"room@{DOMAIN}"])
def test_nobody_but_an_instance_passes_anything_on(
    server: Server, component: Component, instances: Instances, sender: str
) -> None:
    seen: list[Stanza] = []
    component.on_message(seen.append)
    server.send(passing("instance='a'", sender=sender))
    assert b"forbidden" in server.take()
    assert seen == []


def test_what_is_not_its_own_it_refuses_and_passes_on_no_more(
    server: Server, component: Component, instances: Instances
) -> None:
    """Or two that disagree would do so for ever."""
    seen: list[Stanza] = []
    component.on_message(seen.append)
    for who in ("instance='b'", f"address='{DOMAIN}' node='{node_of(instances, 'b')}'"):
        server.send(passing(who))
        data = server.take()
        assert b"resource-constraint" in data
        assert b"type='wait'" in data
    assert seen == []
    server.send(passing(f"address='{DOMAIN}' node='{node_of(instances, 'a')}'"))
    assert len(seen) == 1


@pytest.mark.parametrize("inner", ["", "<x xmlns='urn:x'/>", MESSAGE.replace("message", "iq")])
def test_nothing_else_is_passed_on(
    server: Server, component: Component, instances: Instances, inner: str
) -> None:
    server.send(passing("instance='a'", inner))
    assert b"bad-request" in server.take()


def test_while_it_is_not_known_who_acts_it_waits(server: Server, component: Component) -> None:
    instances = Instances(component)
    seen: list[Stanza] = []
    component.on_message(seen.append)
    server.send(announce(7))
    server.line.cut()
    server.pass_time(2)
    server.let_in()
    server.send(passing("instance='a'"))
    later = outcome(instances.pass_to(message(), "b"))
    assert (seen, later) == ([], [])
    assert b"<pass " not in server.take()
    server.send(announce(8))
    assert len(seen) == 1
    assert b"<pass " in server.take()


def test_an_iq_is_answered_by_who_was_asked(instances: Instances) -> None:
    stanza = Stanza("iq", {"from": JULIET, "to": DOMAIN, "type": "get"}, [], b"")
    (failure,) = outcome(instances.pass_to(stanza, "b"))
    assert failure.check(ValueError)


def test_what_is_too_large_for_any_server_is_not_sent(server: Server, instances: Instances) -> None:
    for large in (message(b"x" * kit.PASSED), message(id="'" * kit.PASSED)):
        (failure,) = outcome(instances.pass_to(large, "b"))
        assert failure.value.condition == "policy-violation"
    assert b"<pass " not in server.take()


# At xmppd


class Two:
    """Two instances, and what each was to handle."""

    def __init__(self, others: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.one = Meeting(others, instance="one", instances=2, route_by="node")
        self.two = Meeting(beside=self.one, instance="two")
        self.seen: dict[str, list[Stanza]] = {"one": [], "two": []}
        self.instances: dict[str, Instances] = {}
        for name, meeting in self.both:
            self.instances[name] = Instances(meeting.component)
            meeting.component.on_message(self.seen[name].append)
            meeting.component.on_error(self.seen[name].append)
            meeting.start()
        self.pump()

    @property
    def both(self) -> list[tuple[str, Meeting]]:
        return [("one", self.one), ("two", self.two)]

    def pump(self) -> None:
        for _ in range(4):
            for _, meeting in self.both:
                meeting.pump()

    def pass_on(self, stanza: Stanza, *args: Any) -> Any:
        later = outcome(self.instances["one"].pass_on(stanza, *args))
        self.pump()
        return later


ODD = (
    "<x xmlns='urn:x'><p:y xmlns:p='jabber:client' z='&apos;&quot;&#10;'/></x><body>"
    "&lt;&amp;</body>"
)


@pytest.mark.parametrize("owner", ["one", "two"])
def test_at_xmppd_it_goes_to_who_has_the_node(owner: str) -> None:
    two = Two()
    domain = JID.parse(VCARD)
    names = (f"play{number}" for number in range(100))
    name = next(n for n in names if two.instances["one"].epoch.owner(domain, n) == owner)
    stanza = message(ODD.encode(), to=VCARD, id="'<&>", type="chat")
    assert two.pass_on(stanza, domain, name) == [None]
    (came,) = two.seen[owner]
    assert [len(each) for each in two.seen.values()] in ([1, 0], [0, 1])
    assert came.attrs == stanza.attrs
    assert came.element.findtext(came.named("body")) == "<&"
    assert came.element.find("{urn:x}x/{jabber:client}y").get("z") == "'\"\n"  # type: ignore[union-attr]


def test_at_xmppd_it_goes_to_who_acts_for_an_account() -> None:
    two = Two()
    accounts = [JID.parse(f"{name}@capulet.lit") for name in ("juliet", "romeo", "nurse", "paris")]
    for account in accounts:
        assert two.pass_on(message(to=VCARD, id=account), account, "play") == [None]
    epoch = two.instances["one"].epoch
    for name, seen in two.seen.items():
        assert [each.id for each in seen] == [
            each for each in accounts if epoch.owner(each) == name
        ]


def test_at_xmppd_who_can_not_be_asked_is_an_error() -> None:
    two = Two()
    later = outcome(two.instances["one"].pass_to(message(to=VCARD), "three"))
    two.pump()
    (failure,) = later
    error = failure.value
    assert (error.condition, error.type) == ("service-unavailable", "wait")


def test_at_xmppd_what_is_as_large_as_may_be_ends_no_stream() -> None:
    two = Two()
    room = kit.PASSED - 400
    for inner in (
        b"<body>%b</body>" % (b"&apos;" * (room // 6)),
        b"<body>%b</body>" % (b"x" * room),
    ):
        later = outcome(two.instances["one"].pass_to(message(inner, to=VCARD), "two"))
        two.pump()
        assert later == [None]
    assert len(two.seen["two"]) == 2


def test_at_xmppd_no_user_and_no_other_component_passes_anything_on() -> None:
    two = Two({"other.capulet.lit": table()})
    juliet = two.one.server.log_in("juliet", "balcony")
    other = Wire(two.one.server, "other.capulet.lit").log_in()
    payload = f"<forwarded xmlns='{ns.FORWARD}'>{MESSAGE}</forwarded>"
    for name in two.seen:
        passed = f"<pass xmlns='{ns.INSTANCES}' instance='{name}'>{payload}</pass>"
        for each in (juliet, other):
            each.send(f"<iq type='set' id='p' to='{VCARD}'>{passed}</iq>")
            two.pump()
            assert b"forbidden" in each.take()
    assert two.seen == {"one": [], "two": []}
