"""Who is blocked can tell nothing by whatever he sends (XEP-0016 §2.2, §2.14; XEP-0191 §3.3).

Whether she is there or not, and whatever he was to her before, he reads the same: that a request
can't be answered (§2.14), else what he would read of an account that does not exist. Nothing that
he sends is kept for her.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.people import JULIET, ROMEO, C, put
from tests.support.privacy import block, do, put_list, rule, unblock
from tests.support.server import DOMAIN, Client, Verona, condition
from tests.support.sessions import read
from tests.unit.modules.test_subscriptions import STRANGER, Elsewhere
from xmppd import ns
from xmppd.jid import JID
from xmppd.subscription import APPROVED, BOTH, FROM, IN, LISTED, NINE

NOBODY = f"nobody@{DOMAIN}"


def get(payload: str, kind: str = "get") -> str:
    return f"<iq id='k' type='{kind}' to='{{to}}'>{payload}</iq>"


def presence(kind: str, inner: str = "") -> str:
    type_ = f" type='{kind}'" if kind else ""
    return f"<presence id='k' to='{{to}}'{type_}>{inner}</presence>"


def message(kind: str, inner: str = "<body>Thou villain</body>") -> str:
    return f"<message id='k' type='{kind}' to='{{to}}'>{inner}</message>"


REQUESTS = [
    get(f"<query xmlns='{ns.LAST}'/>"),
    get(f"<query xmlns='{ns.DISCO_INFO}'/>"),
    get(f"<query xmlns='{ns.DISCO_ITEMS}'/>"),
    get(f"<ping xmlns='{ns.PING}'/>"),
    get(f"<query xmlns='{ns.VERSION}'/>"),
    get(f"<query xmlns='{ns.ROSTER}'/>"),
    get(f"<query xmlns='{ns.PRIVATE}'><x xmlns='urn:x'/></query>"),
    get(f"<blocklist xmlns='{ns.BLOCKING}'/>"),
    get("<x xmlns='urn:x'/>"),
    get("<x xmlns='urn:x'/>", "set"),
]
REFUSED = "iq error service-unavailable"
SENT = [
    *REQUESTS,
    get("<x xmlns='urn:x'/>", "result"),
    presence(""),
    presence("", "<status>behind thee</status>"),
    presence("unavailable"),
    *(presence(kind) for kind in ("subscribe", "subscribed", "unsubscribe", "unsubscribed")),
    *(message(kind) for kind in ("chat", "normal", "headline", "groupchat")),
    message("chat", "<composing xmlns='http://jabber.org/protocol/chatstates'/>"),
]


def by_block(juliet: Client) -> None:
    assert not do(juliet, block(ROMEO))


def by_domain(juliet: Client) -> None:
    assert not do(juliet, block(DOMAIN))


def by_default_list(juliet: Client) -> None:
    put_list(juliet, "public", rule(1, jid=ROMEO), apply="default")


def by_subscription(juliet: Client) -> None:
    """All but those who are contacts both ways, and then not even him."""
    rules = rule(1, jid=ROMEO), rule(2, "allow", subscription="both"), rule(3)
    put_list(juliet, "closed", *rules, apply="default")


def available(server: Verona, juliet: Client) -> None:
    juliet.send("<presence><status>secret</status></presence>")


def negative(server: Verona, juliet: Client) -> None:
    juliet.send("<presence><priority>-1</priority></presence>")


def connected(server: Verona, juliet: Client) -> None:
    pass


def away(server: Verona, juliet: Client) -> None:
    juliet.send("<presence/><presence type='unavailable'><status>secret</status></presence>")
    juliet.hang_up()


def not_in_memory(server: Verona, juliet: Client) -> None:
    away(server, juliet)
    server.host.residents.forget(JID.parse(JULIET))


STATES = [available, negative, connected, away, not_in_memory]


def answers(client: Client, text: str, to: str) -> list[str]:
    """What comes back for it, in short, from whom it was sent to."""
    client.take()
    client.send(text.format(to=to))
    came = client.elements()
    assert all(element.get("from") == to for element in came)
    return [f"{e.tag.removeprefix(C)} {e.get('type')} {condition(e)}" for e in came]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("blocks", [by_block, by_domain, by_default_list, by_subscription])
@pytest.mark.parametrize("relation", [0, BOTH | LISTED, APPROVED | LISTED])
def test_2_14_who_is_blocked_reads_what_he_would_read_of_nobody(
    relation: int, blocks: Callable[[Client], None], state: Callable[[Verona, Client], None]
) -> None:
    server = Verona(accounts=("juliet", "romeo"))
    if relation:
        put(server, JULIET, ROMEO, relation)
    if relation & BOTH:
        for contact in (JULIET, NOBODY):
            put(server, ROMEO, contact, relation)
    juliet = server.log_in("juliet", resource="balcony")
    blocks(juliet)
    state(server, juliet)
    juliet.take()
    romeo = server.log_in("romeo", resource="orchard").send("<presence/>")
    assert JULIET.encode() not in romeo.take(), "he is told nothing when he logs in"
    for text in SENT:
        for resource in ("", "/balcony", "/nowhere"):
            of_her = answers(romeo, text, JULIET + resource)
            of_nobody = answers(romeo, text, NOBODY + resource)
            assert of_her == ([REFUSED] if text in REQUESTS else of_nobody), text
    for resource in ("", "/balcony", "/nowhere"):
        assert answers(romeo, presence("probe"), JULIET + resource) == []
    assert juliet.take() == b""
    assert server.resident(JULIET).roster.state(ROMEO) & ~LISTED == relation & ~LISTED
    later = server.log_in("juliet", resource="later")
    assert not do(later, unblock())
    if relation & FROM:
        romeo.hang_up()  # he may see her again: that is no news of what he has sent
    later.take()
    later.send("<presence/>")
    kinds = [(e.tag, e.get("type")) for e in later.elements()]
    assert all(kind[1] in (None, "unavailable", "unsubscribed") for kind in kinds), kinds
    assert not any(kind[0].endswith("message") for kind in kinds)


def test_a_probe_at_login_is_one_like_any_other() -> None:
    """§2.13: it is no notification. A rule for all stanzas stands against it at home, too."""
    server = Verona(accounts=("juliet", "romeo"))
    put(server, JULIET, ROMEO)
    put(server, ROMEO, JULIET)
    juliet = server.log_in("juliet", resource="balcony").send("<presence/>")
    rules = rule(1, "allow", "presence-out", jid=ROMEO), rule(2, jid=ROMEO)
    put_list(juliet, "public", *rules, apply="default")
    for leave in (
        lambda: None,
        juliet.hang_up,
        lambda: server.host.residents.forget(JID.parse(JULIET)),
    ):
        leave()
        romeo = server.log_in("romeo", resource="orchard").send("<presence/>")
        assert JULIET.encode() not in romeo.take()
        romeo.send(presence("probe").format(to=JULIET))
        assert romeo.take() == b""
        romeo.hang_up()


@pytest.mark.parametrize("blocked", [False, True])
@pytest.mark.parametrize("leaves", [False, True])
def test_nobody_is_asked_for_his_capabilities_in_the_name_of_who_blocks_him(
    leaves: bool, blocked: bool
) -> None:
    """XEP-0115: the server asks who shows himself to an account, but not against her lists."""
    server = Verona(accounts=("juliet",))
    elsewhere = Elsewhere(server)
    server.host.router.attach(lambda stanza: None, "elsewhere.lit")
    put(server, JULIET, STRANGER)
    juliet = server.log_in("juliet", resource="balcony").send("<presence/>")
    if blocked:
        assert not do(juliet, block(STRANGER))
    if leaves:
        juliet.hang_up()
        server.host.residents.forget(JID.parse(JULIET))
    elsewhere.got()
    shown = read(f"<presence><c xmlns='{ns.CAPS}' hash='sha-1' node='n' ver='v'/></presence>")
    shown.sender, shown.to = JID.parse(f"{STRANGER}/street"), JID.parse(JULIET)
    server.host.router.route(shown)
    assert elsewhere.got() == ([] if blocked else [("get", JULIET)])


def test_a_request_that_waits_is_not_told_once_he_is_blocked() -> None:
    server = Verona(accounts=("juliet", "romeo"))
    romeo = server.log_in("romeo", resource="orchard")
    romeo.send(presence("subscribe").format(to=JULIET))
    assert server.resident(JULIET).roster.state(ROMEO) & NINE == IN
    juliet = server.log_in("juliet", resource="balcony")
    by_block(juliet)
    juliet.send("<presence/>")
    assert b"subscribe" not in juliet.take()
    assert not do(juliet, unblock(ROMEO))
    juliet.hang_up()
    juliet = server.log_in("juliet", resource="balcony").send("<presence/>")
    assert b"type='subscribe'" in juliet.take(), "it waits until she answers"
