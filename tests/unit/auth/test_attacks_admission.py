"""An account is entered with what is its password when it is entered, however long that takes."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest
from scramp import ScramClient
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.words.protocols.jabber.sasl_mechanisms import DigestMD5

from tests.support.deferred import result
from tests.support.server import DOMAIN, PASSWORD, Client, Verona, condition
from xmppd import ns
from xmppd.jid import JID

JULIET = JID(f"juliet@{DOMAIN}")
AFTERWARDS = {
    "removed": ("not-authorized", "auth.credentials"),
    "made again": ("not-authorized", "auth.credentials"),
    "given a password": ("temporary-auth-failure", "auth.changed"),
    "given it again": ("temporary-auth-failure", "auth.changed"),
    "switched off": ("account-disabled", "auth.disabled"),
}
"""What may become of an account while somebody logs in, and how the login then ends."""

whatever = pytest.mark.parametrize("what", AFTERWARDS)


def happen(server: Verona, what: str) -> None:
    administrator = server.host.administrator
    if what in ("removed", "made again"):
        assert result(administrator.remove(JULIET))
    if what == "made again":
        result(administrator.create(JULIET, "another juliet"))
    if what.startswith("given"):
        password = "a new password" if what == "given a password" else PASSWORD
        assert result(administrator.set_password(JULIET, password))
    if what == "switched off":
        assert result(server.host.stores.accounts.set_enabled(JULIET, False))


def refused(client: Client, what: str) -> None:
    answer = client.one()
    reason = client.server.host.refusals.recent[-1].reason
    assert (condition(answer), reason) == AFTERWARDS[what]
    assert client.connection.stream.jid is None
    assert not client.server.host.directory.of(JULIET)


def challenge(client: Client) -> bytes:
    element = client.one()
    assert element.tag == f"{{{ns.SASL}}}challenge"
    return b64decode(element.text or "")


def begin(client: Client, mechanism: str, data: bytes | None = None) -> None:
    text = "" if data is None else b64encode(data).decode()
    client.open().take()
    client.send(f"<auth xmlns='{ns.SASL}' mechanism='{mechanism}'>{text}</auth>")


def respond(client: Client, data: bytes) -> None:
    client.send(f"<response xmlns='{ns.SASL}'>{b64encode(data).decode()}</response>")


@whatever
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1"])
def test_scram_with_the_keys_of_before_rfc5802_5(mechanism: str, what: str) -> None:
    server = Verona()
    client = server.connect()
    proof = ScramClient([mechanism], "juliet", PASSWORD)
    begin(client, mechanism, proof.get_client_first().encode())
    proof.set_server_first(challenge(client).decode())
    happen(server, what)
    respond(client, proof.get_client_final().encode())
    refused(client, what)


@whatever
@pytest.mark.parametrize("proved", [False, True])
def test_digest_md5_with_the_password_of_before_rfc2831_2_1(proved: bool, what: str) -> None:
    """Before the proof of the client, and between that of the server and the last word."""
    server = Verona(auth={"digest_md5": True})
    client = server.connect()
    held: list[Deferred[Any]] = []
    mechanism = DigestMD5("xmpp", DOMAIN, None, "juliet", PASSWORD)
    begin(client, "DIGEST-MD5")
    answer = mechanism.getResponse(challenge(client))
    if proved:
        respond(client, answer)
        assert challenge(client).startswith(b"rspauth=")
        happen(server, what)
    else:
        real = server.backend.password
        server.backend.password = lambda claim: _held(real(claim), held)  # type: ignore[method-assign]
        respond(client, answer)
        happen(server, what)
        held[0].callback(None)
        assert challenge(client).startswith(b"rspauth=")
    respond(client, b"")
    refused(client, what)


def _held(answer: Deferred[Any], held: list[Deferred[Any]]) -> Deferred[Any]:
    held.append(Deferred())
    return held[-1].addCallback(lambda _: answer)


class Queue:
    """Threads that do what waits for them when they are told to."""

    def __init__(self, server: Verona) -> None:
        self._waiting: list[Callable[[], None]] = []
        server.backend._run = self

    def __call__(self, function: Callable[..., Any], /, *args: Any, **_: Any) -> Deferred[Any]:
        later: Deferred[Any] = Deferred()
        work = maybeDeferred
        self._waiting.append(lambda: work(function, *args).addCallback(later.callback) and None)
        return later

    def go(self) -> None:
        waiting, self._waiting = self._waiting, []
        for work in waiting:
            work()


@whatever
def test_plain_that_waited_for_its_turn_rfc4616_2(what: str) -> None:
    server = Verona()
    client = server.connect()
    queue = Queue(server)
    begin(client, "PLAIN", f"\0juliet\0{PASSWORD}".encode())
    happen(server, what)
    queue.go()
    refused(client, what)


@whatever
@pytest.mark.parametrize("digested", [False, True])
def test_non_sasl_authentication_xep0078_3_1(digested: bool, what: str) -> None:
    server = Verona(auth={"legacy": True})
    client = server.connect().open()
    client.take()
    held: list[Deferred[Any]] = []
    fields = f"<username>juliet</username><resource>tomb</resource><password>{PASSWORD}</password>"
    if digested:
        sealed = hashlib.sha1((client.header["id"] + PASSWORD).encode()).hexdigest()
        fields = f"<username>juliet</username><resource>tomb</resource><digest>{sealed}</digest>"
        real = server.backend.password
        server.backend.password = lambda claim: _held(real(claim), held)  # type: ignore[method-assign]
    queue = Queue(server)
    client.send(f"<iq type='set' id='1'><query xmlns='{ns.AUTH}'>{fields}</query></iq>")
    happen(server, what)
    held[0].callback(None) if digested else queue.go()
    answer = client.one()
    assert answer.get("type") == "error"
    assert server.host.refusals.recent[-1].reason == AFTERWARDS[what][1]
    assert not server.host.directory.of(JULIET)


def test_who_acts_for_another_is_looked_at_last_rfc6120_6_3_8() -> None:
    """The look at the other account takes time, too."""
    rules = {str(JULIET): [f"romeo@{DOMAIN}"]}
    server = Verona(auth={"impersonate": rules})
    client = server.connect()
    held: list[Deferred[Any]] = []
    real = server.backend._accounts.get

    def slow(jid: JID) -> Deferred[Any]:
        return _held(real(jid), held) if jid.local == "romeo" else real(jid)

    server.backend._accounts.get = slow  # type: ignore[method-assign]
    begin(client, "PLAIN", f"romeo@{DOMAIN}\0juliet\0{PASSWORD}".encode())
    happen(server, "removed")
    held[0].callback(None)
    refused(client, "removed")


def test_a_failure_that_is_not_the_clients_is_not_held_against_it_rfc6120_6_5_11() -> None:
    """Its password may be the right one, and have been renewed by another login."""
    server = Verona()
    client = server.connect()
    queue = Queue(server)
    begin(client, "PLAIN", f"\0juliet\0{PASSWORD}".encode())
    happen(server, "given it again")
    queue.go()
    assert condition(client.one()) == "temporary-auth-failure"
    assert server.throttle.delay(JULIET, "127.0.0.1") == 0
    assert len(server.throttle) == 0
