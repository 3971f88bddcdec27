"""Privileged Entity as a component sees it (XEP-0356), and multicast (XEP-0033)."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from components.common.build import Tag
from components.common.component import Component
from components.common.multicast import Multicast
from components.common.privilege import NOTHING, NotGranted, Permissions, Privilege, Push
from components.common.requests import RequestFailed
from components.common.stanza import Stanza
from tests.support.deferred import result
from tests.support.kit import (
    DOMAIN,
    FEATURES,
    HEADER,
    JULIET,
    SERVER,
    Server,
    asked,
    iq,
    message,
    sm,
)
from tests.support.logs import logged
from xmppd import ns
from xmppd.jid import JID

ACCOUNT = JID.parse("juliet@example.org")
ROMEO = JID.parse("romeo@montague.net/orchard")
PUBSUB = "http://jabber.org/protocol/pubsub"

ALL = (
    "<perm access='roster' type='both'/><perm access='message' type='outgoing'/>"
    f"<perm access='iq'><namespace ns='{PUBSUB}' type='set'/></perm>"
    "<perm access='presence' type='managed_entity'/>"
)


@pytest.fixture
def privilege(component: Component) -> Privilege:
    return Privilege(component)


def grant(server: Server, perms: str = ALL, sender: str = SERVER) -> None:
    privilege = f"<privilege xmlns='{ns.PRIVILEGE}'>{perms}</privilege>"
    server.send(f"<message from='{sender}' to='{DOMAIN}' id='1'>{privilege}</message>")


def test_it_knows_what_was_granted(server: Server, privilege: Privilege) -> None:
    """§4.2, §5.2, §6.2, §7.2: until the stream is gone."""
    grant(server)
    granted = Permissions("both", True, "outgoing", "managed_entity", {PUBSUB: "set"})
    assert privilege.of(ACCOUNT) == granted
    assert privilege.of(ROMEO) == NOTHING
    server.line.cut()
    assert privilege.of(ACCOUNT) == NOTHING


@pytest.mark.parametrize("resumed", [True, False])
def test_grants_hold_as_long_as_the_session(server: Server, resumed: bool) -> None:
    """What a new session grants is said anew, maybe before it is complete."""
    privilege = Privilege(server.component())
    server.let_in(managed=True)
    grant(server)
    server.line.cut()
    assert privilege.of(ACCOUNT).message == "outgoing"
    server.pass_time(2)
    server.send(f"{HEADER} version='1.0'>{FEATURES}<handshake/>")
    if resumed:
        server.send(sm("resumed", h=0, previd="s1"))
        assert privilege.of(ACCOUNT).message == "outgoing"
    else:
        server.send(sm("failed"))
        server.send(sm("enabled", id="s2"))
        assert privilege.of(ACCOUNT) == NOTHING


def test_what_a_new_session_grants_at_once_holds(server: Server) -> None:
    privilege = Privilege(server.component())
    server.let_in(managed=True)
    grant(server)
    server.line.cut()
    server.pass_time(2)
    server.send(f"{HEADER} version='1.0'>{FEATURES}<handshake/>")
    server.send(sm("failed"))
    grant(server, "<perm access='message' type='outgoing'/>")
    server.send(sm("enabled", id="s2"))
    assert privilege.of(ACCOUNT) == Permissions(message="outgoing")


@pytest.mark.parametrize(
    "perm, push",
    [
        ("<perm access='roster' type='get'/>", True),
        ("<perm access='roster' type='get' push='false'/>", False),
        ("<perm access='roster' type='set' push='true'/>", False),
        ("", False),
    ],
)
def test_pushes_come_to_who_may_read(
    server: Server, privilege: Privilege, perm: str, push: bool
) -> None:
    """§4.1."""
    grant(server, perm)
    assert privilege.of(ACCOUNT).push is push


def test_nobody_but_the_server_grants(server: Server, privilege: Privilege) -> None:
    grant(server, sender=JULIET)
    assert privilege.granted == {}
    assert b"<forbidden " in server.take()


def test_what_is_not_granted_is_not_sent(server: Server, privilege: Privilege) -> None:
    query = Tag("pubsub", ns=PUBSUB)
    with pytest.raises(NotGranted):
        privilege.message(ACCOUNT, ROMEO, b"<body/>")
    with pytest.raises(NotGranted):
        privilege.set_roster_item(ACCOUNT, Tag("item"))
    for refused in (privilege.roster(ACCOUNT), privilege.ask(ACCOUNT, ROMEO, "set", query)):
        with pytest.raises(NotGranted):
            result(Deferred.fromCoroutine(refused))
    grant(server)
    with pytest.raises(NotGranted):
        result(Deferred.fromCoroutine(privilege.ask(ACCOUNT, ROMEO, "get", query)))
    assert server.take() == b""


def test_the_operator_is_told_once_of_what_is_missing(server: Server) -> None:
    """He has asked for nothing, and who has can do nothing about it."""
    component = server.component()
    privilege = Privilege(component)
    component.on_message(lambda stanza: privilege.message(ACCOUNT, stanza.sender, "hist"))
    component.on_presence(lambda stanza: privilege.roster(ACCOUNT))
    server.let_in()
    with logged("warn") as lines:
        for stanza in (message(), message(), f"<presence from='{ROMEO}' to='{DOMAIN}'/>"):
            server.send(stanza)
    assert server.take().count(b"<forbidden ") == 3
    told = [line.partition("not granted: ")[2].partition(". ")[0] for line in lines]
    assert told == ["message", "roster get"]
    assert f"xmppctl explain {DOMAIN} names the keys" in lines[0]


def test_a_roster_is_read_in_the_usual_way(server: Server, privilege: Privilege) -> None:
    """§4.3."""
    grant(server)
    roster = Deferred.fromCoroutine(privilege.roster(ACCOUNT))
    sent = server.take()
    assert f" to='{ACCOUNT}' type='get'".encode() in sent
    item = "<item jid='romeo@montague.net'/>"
    server.send(
        iq("result", f"<query xmlns='{ns.ROSTER}'>{item}</query>", sender=ACCOUNT, id_=asked(sent))
    )
    assert [contact.get("jid") for contact in result(roster)] == ["romeo@montague.net"]


def test_a_contact_is_set_in_the_usual_way(server: Server, privilege: Privilege) -> None:
    grant(server)
    done = privilege.set_roster_item(ACCOUNT, Tag("item", {"jid": "romeo@montague.net"}))
    sent = server.take()
    assert f"><query xmlns='{ns.ROSTER}'><item jid='romeo@montague.net'/></query>".encode() in sent
    server.send(iq("result", "", sender=ACCOUNT, id_=asked(sent)))
    assert result(done).type == "result"


def test_roster_pushes_are_told_and_answered(server: Server, privilege: Privilege) -> None:
    """§4.4; from nobody but the account itself (RFC 6121 §2.1.6)."""
    pushes: list[Push] = []
    privilege.on_roster_push(pushes.append)
    push = f"<query xmlns='{ns.ROSTER}'><item jid='nurse@example.com'/></query>"
    server.send(iq("set", push, sender=ACCOUNT))
    assert b"<forbidden " in server.take()
    grant(server)
    for forged in (JULIET, "romeo@montague.net"):
        server.send(iq("set", push, sender=forged))
        assert b"<forbidden " in server.take()
    assert pushes == []
    server.send(iq("set", push, sender=ACCOUNT))
    assert server.take() == f"<iq from='{DOMAIN}' to='{ACCOUNT}' type='result' id='q1'/>".encode()
    assert [(p.account, p.item.get("jid")) for p in pushes] == [(ACCOUNT, "nurse@example.com")]


def test_a_message_is_forwarded_to_the_server(server: Server, privilege: Privilege) -> None:
    """§5.3."""
    grant(server)
    assert privilege.message(ACCOUNT, ROMEO, b"<event xmlns='urn:e'/>", type_="headline", id_="f")
    assert (
        server.take()
        == (
            f"<message from='{DOMAIN}' to='{SERVER}'><privilege xmlns='{ns.PRIVILEGE}'>"
            f"<forwarded xmlns='{ns.FORWARD}'><message xmlns='{ns.CLIENT}' from='{ACCOUNT}'"
            f" to='{ROMEO}' type='headline' id='f'><event xmlns='urn:e'/></message>"
            "</forwarded></privilege></message>"
        ).encode()
    )


def test_a_text_in_somebodys_name_is_a_body(server: Server, privilege: Privilege) -> None:
    grant(server)
    assert privilege.message(ACCOUNT, ROMEO, "hist")
    assert b"><body>hist</body></message>" in server.take()


@pytest.mark.parametrize("type_", ["result", "error"])
def test_an_iq_is_asked_in_somebodys_name(server: Server, privilege: Privilege, type_: str) -> None:
    """§6.3: the answer to it comes forwarded, an error as well."""
    grant(server)
    asking = privilege.ask(ACCOUNT, ROMEO, "set", Tag("pubsub", ns=PUBSUB))
    answer = Deferred.fromCoroutine(asking)
    sent = server.take().decode()
    assert f" to='{ACCOUNT}' type='set'" in sent
    inside = (
        f"<privileged_iq xmlns='{ns.PRIVILEGE}'><iq xmlns='{ns.CLIENT}' to='{ROMEO}' type='set'"
    )
    assert inside in sent
    payload = f"<pubsub xmlns='{PUBSUB}'/>"
    if type_ == "error":
        payload = f"<error type='auth'><forbidden xmlns='{ns.STANZA_ERRORS}'/></error>"
    forwarded = (
        f"<privilege xmlns='{ns.PRIVILEGE}'><forwarded xmlns='{ns.FORWARD}'>"
        f"<iq xmlns='{ns.CLIENT}' type='{type_}' from='{ROMEO}' to='{ACCOUNT}' id='inside'>"
        f"{payload}</iq></forwarded></privilege>"
    )
    outer = sent.partition(" id='")[2].partition("'")[0]
    server.send(iq("result", forwarded, sender=ACCOUNT, id_=outer))
    if type_ == "error":
        with pytest.raises(RequestFailed, match="forbidden"):
            result(answer)
    else:
        assert result(answer).children == [f"{PUBSUB} pubsub"]


@pytest.mark.parametrize(
    "type_, told", [("none", []), ("managed_entity", [JULIET]), ("roster", [JULIET, ROMEO])]
)
def test_presence_comes_as_far_as_it_is_granted(
    server: Server, privilege: Privilege, type_: str, told: list[str]
) -> None:
    """§7.1, §7.4."""
    senders: list[str] = []

    def tell(stanza: Stanza) -> None:
        senders.append(stanza.sender)

    privilege.on_presence(tell)
    grant(server, f"<perm access='presence' type='{type_}'/>")
    for sender in (JULIET, ROMEO):
        server.send(f"<presence from='{sender}' to='{DOMAIN}'/>")
        server.send(f"<presence from='{sender}' to='{DOMAIN}' type='subscribe'/>")
    assert senders == told


# ---------------------------------------------------------------------- multicast


def ready(server: Server, *, available: bool, most: int = 100) -> Multicast:
    multicast = Multicast(server.component(), most)
    server.let_in()
    id_ = asked(server.take())
    feature = f"<feature var='{ns.ADDRESS}'/>" if available else ""
    server.send(
        iq("result", f"<query xmlns='{ns.DISCO_INFO}'>{feature}</query>", sender=SERVER, id_=id_)
    )
    return multicast


PEOPLE = [JID.parse(f"p{number}@example.org/o'k") for number in range(7)]


def test_many_are_named_in_one_stanza(server: Server) -> None:
    """XEP-0033 §3, §4.6.3: to the service, in blind copy."""
    multicast = ready(server, available=True)
    multicast.send([*PEOPLE, *PEOPLE], "message", b"<body>hi</body>", type_="groupchat")
    addresses = "".join(f"<address type='bcc' jid='p{n}@example.org/o&apos;k'/>" for n in range(7))
    assert (
        server.take()
        == (
            f"<message from='{DOMAIN}' to='{SERVER}' type='groupchat'>"
            f"<addresses xmlns='{ns.ADDRESS}'>{addresses}</addresses><body>hi</body></message>"
        ).encode()
    )


def test_more_than_the_most_are_several_stanzas(server: Server) -> None:
    multicast = ready(server, available=True, most=4)
    multicast.send(PEOPLE, "presence")
    sent = server.take()
    assert sent.count(b"<addresses ") == sent.count(b"<presence ") == 2
    assert [sent.count(jid.attr) for jid in PEOPLE] == [1] * 7


def test_without_the_service_each_has_his_own(server: Server) -> None:
    multicast = ready(server, available=False)
    multicast.send(PEOPLE, "message", "hi", id_="1")
    sent = server.take()
    assert sent.count(b"<body>hi</body>") == 7 and ns.ADDRESS.encode() not in sent
