"""One message in a user's name for many, as a component sends it (XEP-0356 §5, XEP-0033)."""

from __future__ import annotations

import pytest

from components.common.multicast import FEW, Multicast, Recipients
from components.common.privilege import NotGranted, Privilege
from components.common.privileged_multicast import PrivilegedMulticast
from tests.support.kit import DOMAIN, SERVER, Server, asked, iq
from xmppd import ns
from xmppd.jid import JID

ACCOUNT = JID.parse("juliet@example.org/balcony")
PEOPLE = [JID.parse(f"p{number}@montague.net/x") for number in range(7)]
BODY = b"<body>Hist!</body>"


def to_many(
    server: Server, *, available: bool = True, most: int = 100, granted: bool = True
) -> PrivilegedMulticast:
    component = server.component()
    made = PrivilegedMulticast(component, Privilege(component), Multicast(component, most))
    server.let_in()
    feature = f"<feature var='{ns.ADDRESS}'/>" if available else ""
    info = f"<query xmlns='{ns.DISCO_INFO}'>{feature}</query>"
    server.send(iq("result", info, sender=SERVER, id_=asked(server.take())))
    perm = "<perm access='message' type='outgoing'/>" if granted else ""
    privilege = f"<privilege xmlns='{ns.PRIVILEGE}'>{perm}</privilege>"
    server.send(f"<message from='{SERVER}' to='{DOMAIN}' id='1'>{privilege}</message>")
    return made


def test_5_3_many_are_named_in_one_stanza_for_the_server(server: Server) -> None:
    to_many(server).message(ACCOUNT, [*PEOPLE, *PEOPLE], BODY, type_="headline", id_="7")
    addresses = "".join(f"<address type='bcc' jid='{jid}'/>" for jid in PEOPLE)
    assert (
        server.take()
        == (
            f"<message from='{DOMAIN}' to='{SERVER}'><privilege xmlns='{ns.PRIVILEGE}'>"
            f"<forwarded xmlns='{ns.FORWARD}'><message xmlns='jabber:client'"
            f" from='juliet@example.org' to='{SERVER}' type='headline' id='7'>"
            f"<addresses xmlns='{ns.ADDRESS}'>{addresses}</addresses>"
            "<body>Hist!</body></message></forwarded></privilege></message>"
        ).encode()
    )


def test_more_than_the_most_are_several_stanzas(server: Server) -> None:
    to_many(server, most=4).message(ACCOUNT, Recipients(PEOPLE), BODY)
    sent = server.take()
    assert sent.count(b"<privilege ") == sent.count(b"<addresses ") == 2
    assert [sent.count(jid.attr) for jid in PEOPLE] == [1] * 7


@pytest.mark.parametrize(("available", "number"), [(False, 7), (True, FEW)])
def test_few_and_without_multicast_each_has_his_own(
    server: Server, available: bool, number: int
) -> None:
    to_many(server, available=available).message(ACCOUNT, PEOPLE[:number], "Hist!")
    sent = server.take()
    assert sent.count(BODY) == number
    assert sent.count(b"<privilege ") == number
    assert ns.ADDRESS.encode() not in sent
    assert all(b" to='%b'" % jid.attr in sent for jid in PEOPLE[:number])


@pytest.mark.parametrize(("number", "stanzas"), [(2, 2), (7, 2)])
def test_0033_4_6_4_all_are_told_where_replies_go(
    server: Server, number: int, stanzas: int
) -> None:
    """Of the addresses that one stanza names this is one."""
    people = Recipients(PEOPLE[:number])
    to_many(server, most=5).message(ACCOUNT, people, BODY, reply_to=ACCOUNT)
    sent = server.take()
    begun = f"<addresses xmlns='{ns.ADDRESS}'><address type='replyto' jid='{ACCOUNT}'/>".encode()
    assert sent.count(b"<privilege ") == sent.count(begun) == sent.count(b"</addresses>") == stanzas
    assert sent.count(b"</addresses>" + BODY) == stanzas
    assert max(each.count(b"<address ") for each in sent.split(b"<privilege ")) <= 5
    assert [sent.count(jid.attr) for jid in PEOPLE] == [1] * number + [0] * (7 - number)


def test_what_is_not_granted_is_not_sent(server: Server) -> None:
    made = to_many(server, granted=False)
    with pytest.raises(NotGranted):
        made.message(ACCOUNT, PEOPLE, BODY)
    assert not server.take()
