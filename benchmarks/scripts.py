"""What a client says: register an account, log in, log out (RFC 6120, RFC 5802, XEP-0077)."""

import base64
import functools
import hashlib
import hmac
import os
import re
import ssl
from collections.abc import Callable

from benchmarks.client import END, HANDSHAKE, Client, LoadError, Script
from benchmarks.load import Crowd

PASSWORD = "wherefore-art-thou"

_FEATURES = re.compile(
    rb"<stream:features[^>]*/>|<stream:features[^>]*>.*?</stream:features>", re.DOTALL
)
_STARTTLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
_PROCEED = re.compile(rb"<proceed[^>]*>(?:</proceed>)?")
_MECHANISM = re.compile(rb"<mechanism[^>]*>([^<]+)</mechanism>")
_CHALLENGE = re.compile(rb"<challenge[^>]*>([^<]+)</challenge>|<failure.*", re.DOTALL)
_OUTCOME = re.compile(rb"<(success)[^>]*>|<failure.*", re.DOTALL)
_BOUND = re.compile(rb"<jid>([^<]+)</jid>|<iq[^>]*type=.error.*", re.DOTALL)
_REGISTERED = re.compile(rb"<iq[^>]*id=.reg.[^>]*?(?:/>|>.*</iq>)", re.DOTALL)
_ROSTER = re.compile(
    rb"<iq[^>]*id=.roster.[^>]*/>"
    rb"|<iq(?=[^>]*id=.roster.)(?=[^>]*type=.(?:(result)|error).)[^>]*>.*?</iq>",
    re.DOTALL,
)
_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
_DIGESTS = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}
_PREFERENCE = (*_DIGESTS, "PLAIN")


def tls_context() -> ssl.SSLContext:
    """Return a client context that accepts this run's self-signed certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def registering(crowd: Crowd) -> Callable[[Client], Script]:
    """Return the script that makes the client's account; one that is there already is good."""

    def script(client: Client) -> Script:
        client.open_stream()
        yield _FEATURES
        client.send(
            "<iq type='set' id='reg'><query xmlns='jabber:iq:register'>"
            f"<username>{client.user}</username><password>{PASSWORD}</password></query></iq>".encode()
        )
        answer = yield _REGISTERED
        assert answer is not None
        if b"error" in answer[0] and b"conflict" not in answer[0]:
            raise LoadError(f"{client.user}: not registered: {answer[0]!r}")
        client.send(b"</stream:stream>")
        yield END
        crowd.leave(client)

    return script


def opening(client: Client, tls: ssl.SSLContext | None) -> Script:
    """Have a client log in and bind a resource of its own; the start of other scripts."""
    client.open_stream()
    features = yield _FEATURES
    if tls is not None:
        client.send(_STARTTLS)
        yield _PROCEED
        client.start_tls(tls)
        yield HANDSHAKE
        client.open_stream()
        features = yield _FEATURES
    assert features is not None
    yield from _authenticate(client, features[0])
    client.open_stream()
    yield _FEATURES
    client.send(
        "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
        f"<resource>r{client.number}</resource></bind></iq>".encode()
    )
    bound = yield _BOUND
    assert bound is not None
    if bound[1] is None:
        raise LoadError(f"{client.user}: not bound: {bound[0]!r}")
    client.jid = bound[1].decode()


def logging_in(tls: ssl.SSLContext | None) -> Callable[[Client], Script]:
    """Return the script that logs in, binds a resource of its own and becomes available."""

    def script(client: Client) -> Script:
        yield from opening(client, tls)
        client.send(b"<presence/>")

    return script


def arriving(client: Client) -> Script:
    """Log in without TLS, get the roster, become available."""
    yield from opening(client, None)
    yield from roster(client)
    client.send(b"<presence/>")


def roster(client: Client) -> Script:
    """Get the roster; what came is in `client.contacts`."""
    client.send(b"<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
    answer = yield _ROSTER
    assert answer is not None
    if answer[1] is None:
        raise LoadError(f"{client.user}: no roster: {answer[0][-300:]!r}")
    client.contacts = answer[0]


def visiting(crowd: Crowd, log_in: Callable[[Client], Script]) -> Callable[[Client], Script]:
    """Return the script that logs in, as given, and at once out again, in order."""

    def script(client: Client) -> Script:
        yield from log_in(client)
        client.send(b"<presence type='unavailable'/></stream:stream>")
        yield END
        crowd.leave(client)

    return script


def _authenticate(client: Client, features: bytes) -> Script:
    offered = [name.decode() for name in _MECHANISM.findall(features)]
    client.mechanism = next((name for name in _PREFERENCE if name in offered), "")
    if not client.mechanism:
        raise LoadError(f"{client.user}: no usable mechanism among {offered}")
    if client.mechanism == "PLAIN":
        _auth(client, f"\0{client.user}\0{PASSWORD}")
    else:
        first = f"n={client.user},r={base64.b64encode(os.urandom(18)).decode()}"
        _auth(client, f"n,,{first}")
        challenge = yield _CHALLENGE
        assert challenge is not None
        if challenge[1] is None:
            raise LoadError(f"{client.user}: refused: {challenge[0]!r}")
        server_first = base64.b64decode(challenge[1]).decode()
        final = _scram_final(_DIGESTS[client.mechanism], first, server_first)
        client.send(f"<response xmlns='{_SASL}'>{_encode(final)}</response>".encode())
    outcome = yield _OUTCOME
    assert outcome is not None
    if outcome[1] is None:
        raise LoadError(f"{client.user}: refused: {outcome[0]!r}")


def _auth(client: Client, initial: str) -> None:
    client.send(
        f"<auth xmlns='{_SASL}' mechanism='{client.mechanism}'>{_encode(initial)}</auth>".encode()
    )


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _scram_final(digest: str, client_first: str, server_first: str) -> str:
    """Return the client-final-message (RFC 5802 section 3), without channel binding."""
    fields = dict(field.split("=", 1) for field in server_first.split(","))
    key = _client_key(digest, fields["s"], int(fields["i"]))
    final = f"c=biws,r={fields['r']}"
    signed = f"{client_first},{server_first},{final}".encode()
    signature = hmac.digest(hashlib.new(digest, key).digest(), signed, digest)
    proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
    return f"{final},p={base64.b64encode(proof).decode()}"


@functools.cache
def _client_key(digest: str, salt: str, iterations: int) -> bytes:
    """Derive the SCRAM client key once for each account, as real clients may keep it too."""
    salted = hashlib.pbkdf2_hmac(digest, PASSWORD.encode(), base64.b64decode(salt), iterations)
    return hmac.digest(salted, b"Client Key", digest)
