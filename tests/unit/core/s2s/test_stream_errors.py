"""By which stream errors streams with other servers end (RFC 6120 §4.9.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.federated import Hand, Town, Web
from tests.support.server_streams import (
    CAPULET,
    HALLS,
    MONTAGUE,
    VERONA,
    auth,
    header,
    message,
    outcome,
)
from xmppd import ns
from xmppd.errors import STREAM_CONDITIONS

SECOND = "mantua.capulet.lit"
SM = f"xmlns='{ns.STREAM_MANAGEMENT}'"


def town(**tables: Any) -> Town:
    return Web().town(CAPULET, **tables)


def raw(*sent: str) -> Callable[[], Hand]:
    """Somebody connects and says this."""
    return lambda: town().called().send(*sent)


def strange(*sent: str) -> Callable[[], Hand]:
    """The same in a stream inside TLS, before he has shown who he is."""
    return lambda: town().called(MONTAGUE).through_tls(MONTAGUE, CAPULET).send(*sent)


def known(verona: Town) -> Hand:
    """Montague, which has shown who it is by its certificate."""
    hand = verona.called(MONTAGUE).through_tls(MONTAGUE, CAPULET)
    hand.send(auth(), header()).take()
    return hand


def admitted(*sent: str) -> Callable[[], Hand]:
    return lambda: known(town()).send(*sent)


def _silent() -> Hand:
    verona = town()
    hand = verona.called()
    verona.web.advance(verona.host.config.limits.negotiation_seconds + 1)
    return hand


def _expired() -> Hand:
    verona = town()
    hand = known(verona)
    (connection,) = verona.remotes.connections
    assert connection.stream.peer is not None
    connection.stream.peer.until = verona.web.clock.seconds() + 5
    verona.web.advance(11)
    return hand.send("</stream:stream>")


def _shut_down() -> Hand:
    verona = town()
    hand = known(verona)
    verona.remotes.close()
    return hand


def _resumed_elsewhere() -> Hand:
    verona = town()
    before, after = known(verona), known(verona)
    enabled = before.send(f"<enable {SM} resume='true'/>").elements()[0]
    after.send(f"<resume {SM} h='0' previd='{enabled.get('id')}'/>")
    return before


def _domain_removed() -> Hand:
    verona = Web().town(CAPULET, SECOND)
    hand = verona.called(MONTAGUE).through_tls(MONTAGUE, SECOND)
    hand.send(auth(), header(to=SECOND)).take()
    verona.reload(server={"domains": [CAPULET]})
    return hand


def _bug() -> Hand:
    verona = town()
    hand = known(verona)

    def break_down(*_: object) -> None:
        raise RuntimeError("a bug")

    verona.remotes.management.take = break_down  # type: ignore[method-assign]
    return hand.send(f"<r {SM}/>")


GENERATED: dict[str, list[Callable[[], Hand]]] = {
    "bad-format": [
        raw(
            "<stream:features xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>"
        ),
        strange("<db:result from='montague.lit' to='capulet.lit'/>"),
        admitted("wherefore<presence/>"),
    ],
    "conflict": [_resumed_elsewhere],
    "connection-timeout": [_silent],
    "host-gone": [_domain_removed],
    "host-unknown": [
        raw(header(to=VERONA)),
        admitted(message(to=f"juliet@{VERONA}")),
    ],
    "improper-addressing": [
        raw(header(to=None)),
        raw(header(to="juliet@capulet.lit")),
        admitted("<message to='juliet@capulet.lit'/>"),
        admitted("<message from='romeo@montague.lit'/>"),
        admitted("<message from='romeo@montague.lit' to=''/>"),
        strange("<db:result to='capulet.lit'>k</db:result>"),
    ],
    "internal-server-error": [_bug],
    "invalid-from": [
        raw(header(sender="romeo@montague.lit")),
        raw(header(sender=CAPULET)),
        admitted(message(sender=f"romeo@{HALLS}")),
        admitted(message(sender=f"juliet@{CAPULET}")),
    ],
    "invalid-namespace": [
        raw(header(content=ns.CLIENT)),
        raw(header().replace("etherx", "x")),
    ],
    "not-authorized": [
        lambda: town().called().through_tls(MONTAGUE, CAPULET),  # it has no certificate
        strange(message()),
        strange("<presence/>"),
    ],
    "not-well-formed": [admitted("<a></b>"), strange("<x:a/>")],
    "policy-violation": [
        raw(header(version=None)),  # TLS is required
        strange(outcome()),
        strange("<message>" + "x" * 300_000),
        admitted(auth()),
    ],
    "reset": [_expired],
    "restricted-xml": [
        raw("<!DOCTYPE a>"),
        admitted("<?nurse?>"),
        admitted("<message><!-- Nurse --></message>"),
        admitted("<message>&nurse;</message>"),
    ],
    "system-shutdown": [_shut_down],
    "undefined-condition": [admitted(f"<enable {SM}/>", f"<a {SM} h='9'/>")],
    "unsupported-encoding": [raw("<?xml version='1.0' encoding='ISO-8859-1'?>" + header())],
    "unsupported-stanza-type": [admitted("<poison/>"), strange("<poison xmlns='urn:apothecary'/>")],
    "unsupported-version": [raw(header(version="one"))],
}

NEVER = {
    "bad-namespace-prefix": "any prefix will do (§4.8.5)",
    "invalid-xml": "no schema is looked at (§11.4)",
    "remote-connection-failed": "an error of dialback says so, which is not the end (XEP-0220)",
    "resource-constraint": "who is one too many is turned away before there is a stream",
    "see-other-host": "there is no other host",
    "unsupported-feature": "nothing is mandatory between servers but TLS and authentication",
}


def test_every_condition_is_generated_or_has_a_reason_not_to_be_rfc6120_4_9_3() -> None:
    assert GENERATED.keys() | NEVER.keys() == STREAM_CONDITIONS
    assert not GENERATED.keys() & NEVER.keys()


CASES = [(expected, make) for expected, makers in GENERATED.items() for make in makers]


@pytest.mark.parametrize("expected, make", CASES, ids=[expected for expected, _ in CASES])
def test_what_brings_about_a_condition_rfc6120_4_9_3(
    expected: str, make: Callable[[], Hand]
) -> None:
    hand = make()
    hand.web.settle()
    log = hand.log.decode()
    assert log.endswith("</stream:stream>"), "§4.9.1.1"
    assert log.count("<stream:error") == 1
    assert f"<{expected} xmlns='{ns.STREAM_ERRORS}'" in log.rpartition("<stream:error")[2]
    assert "<stream:stream" in log.rpartition("<stream:error")[0], "§4.9.1.2"
    assert hand.closed
