"""SCRAM with SHA-1 and SHA-256, each with and without channel binding (RFC 5802, RFC 7677).

Every failure is the same for a user that exists and one that does not: the keys of the latter
are invented by whoever answers `FetchKeys`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import NamedTuple

from xmppd.credentials import HASHES, ScramKeys, prepare_username
from xmppd.errors import SASLFailure
from xmppd.stream.sasl.context import Context
from xmppd.stream.sasl.steps import Steps, Success, challenge, fetch_keys, first_response


def run(context: Context, initial: bytes | None, *, hash_name: str, channel_binding: bool) -> Steps:
    """Run one exchange as the server (RFC 5802 §3, §5); `channel_binding` is for -PLUS."""
    first = _parse_first((yield from first_response(initial)))
    bound_to = first.gs2_header + _binding_data(context, first, plus=channel_binding)

    keys, version = yield from fetch_keys(first.username, hash_name)
    nonce = first.nonce + context.nonce()
    salt = base64.b64encode(keys.salt).decode("ascii")
    server_first = f"r={nonce},s={salt},i={keys.iterations}"

    final = _parse_final((yield from challenge(server_first.encode("ascii"))))
    if not hmac.compare_digest(final.channel_binding, bound_to):
        raise SASLFailure("not-authorized", reason="auth.channel-binding")
    if not hmac.compare_digest(final.nonce.encode("ascii"), nonce.encode("ascii")):
        raise _malformed("a nonce that is not this exchange's")

    auth_message = ",".join((first.bare, server_first, final.without_proof)).encode()
    if not _proves(final.proof, keys, auth_message, HASHES[hash_name]):
        raise SASLFailure("not-authorized", reason="auth.credentials")
    signature = hmac.digest(keys.server_key, auth_message, HASHES[hash_name])
    data = b"v=" + base64.b64encode(signature)
    return Success(first.username, first.authzid, data, version=version)


def _proves(proof: bytes, keys: ScramKeys, auth_message: bytes, algorithm: str) -> bool:
    """Whether the client that made this proof knows ClientKey (RFC 5802 §3)."""
    signature = hmac.digest(keys.stored_key, auth_message, algorithm)
    if len(proof) != len(signature):
        raise _malformed("a proof of the wrong length")
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    return hmac.compare_digest(hashlib.new(algorithm, client_key).digest(), keys.stored_key)


class _ClientFirst(NamedTuple):
    """client-first-message (RFC 5802 §7)."""

    gs2_header: bytes
    flag: str
    binding_type: str
    authzid: str
    bare: str
    username: str
    nonce: str


class _ClientFinal(NamedTuple):
    """client-final-message (RFC 5802 §7)."""

    channel_binding: bytes
    nonce: str
    without_proof: str
    proof: bytes


_NONCE = r"[!-+\--~]+"  # printable, without space and comma
_EXTENSIONS = r"(?:,[A-Za-ln-z]=[^,\0]+)*"  # any attribute but the reserved m=
_FIRST = re.compile(
    r"(?P<gs2>(?:(?P<flag>[ny])|p=(?P<type>[A-Za-z0-9.-]+)),(?:a=(?P<authzid>[^,\0]+))?,)"
    rf"(?P<bare>n=(?P<username>[^,\0]+),r=(?P<nonce>{_NONCE}){_EXTENSIONS})"
)
_FINAL = re.compile(
    rf"(?P<without_proof>c=(?P<binding>[A-Za-z0-9+/=]+),r=(?P<nonce>{_NONCE}){_EXTENSIONS})"
    r",p=(?P<proof>[A-Za-z0-9+/=]+)"
)
_BARE_EQUALS = re.compile(r"=(?!2C|3D)")


def _parse_first(message: bytes) -> _ClientFirst:
    found = _FIRST.fullmatch(_text(message))
    if found is None:
        raise _malformed("no client-first-message")
    try:
        username = prepare_username(_unescape(found["username"]))
    except ValueError:
        raise _malformed("a user name that SASLprep refuses") from None
    return _ClientFirst(
        gs2_header=found["gs2"].encode(),
        flag=found["flag"] or "p",
        binding_type=found["type"] or "",
        authzid=_unescape(found["authzid"] or ""),
        bare=found["bare"],
        username=username,
        nonce=found["nonce"],
    )


def _parse_final(message: bytes) -> _ClientFinal:
    found = _FINAL.fullmatch(_text(message))
    if found is None:
        raise _malformed("no client-final-message")
    try:
        binding = base64.b64decode(found["binding"], validate=True)
        proof = base64.b64decode(found["proof"], validate=True)
    except ValueError:
        raise _malformed("an attribute that is not base64") from None
    return _ClientFinal(binding, found["nonce"], found["without_proof"], proof)


def _binding_data(context: Context, first: _ClientFirst, *, plus: bool) -> bytes:
    """Check the gs2 header against the mechanism; give the data to be bound to (§6).

    `y` says that the client saw no -PLUS. Where one stood in the features somebody took it out
    on the way.
    """
    if plus != (first.flag == "p"):
        raise _misbound("the flag for channel binding and the mechanism differ")
    if first.flag == "y" and any(name.endswith("-PLUS") for name in context.offered):
        raise SASLFailure("not-authorized", reason="auth.channel-binding")
    if not plus:
        return b""
    data = context.channel_bindings.get(first.binding_type)
    if data is None:
        raise _misbound("a channel binding type that was not offered")
    return data


def _unescape(saslname: str) -> str:
    """Undo the escapes =2C and =3D; any other `=` is an error (RFC 5802 §5.1)."""
    if _BARE_EQUALS.search(saslname):
        raise _malformed("an escape that is none")
    return saslname.replace("=2C", ",").replace("=3D", "=")


def _text(message: bytes) -> str:
    try:
        return message.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed("not UTF-8") from None


def _malformed(text: str) -> SASLFailure:
    return SASLFailure("malformed-request", text, reason="auth.malformed")


def _misbound(text: str) -> SASLFailure:
    return SASLFailure("malformed-request", text, reason="auth.channel-binding")
