"""DIGEST-MD5 (RFC 2831; historic by RFC 6331), for clients of RFC 3920; only where switched on.

It needs the password itself, sealed in the store. There is no subsequent authentication and
no security layer: qop is auth, the nonce counts to 1.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from xmppd.credentials import prepare_username
from xmppd.errors import SASLFailure
from xmppd.stream.sasl.context import Context
from xmppd.stream.sasl.steps import Steps, Success, challenge, fetch_password


@dataclass(frozen=True, slots=True)
class Digest:
    """All that a response-value depends on but the password (RFC 2831 §2.1.2.1)."""

    username: str
    realm: str
    nonce: str
    cnonce: str
    digest_uri: str
    authzid: str = ""

    def response(self, password: str, charset: str, method: str = "AUTHENTICATE") -> str:
        """Compute response-value, or rspauth's value where `method` is "" (§2.1.3).

        `charset` is that of user, realm and password in the innermost hash: UTF-8, or ISO
        8859-1 where all of it is representable so. Raises UnicodeEncodeError where it is not.
        """
        secret = hashlib.md5(f"{self.username}:{self.realm}:{password}".encode(charset)).digest()
        a1 = secret + f":{self.nonce}:{self.cnonce}".encode()
        if self.authzid:
            a1 += f":{self.authzid}".encode()
        a2 = f"{method}:{self.digest_uri}"
        return _hex(
            f"{_hex(a1)}:{self.nonce}:00000001:{self.cnonce}:auth:{_hex(a2.encode())}".encode()
        )


def run(context: Context, initial: bytes | None) -> Steps:
    """Run one exchange as the server, which speaks first (RFC 2831 §2.1)."""
    if initial is not None:
        raise _malformed("DIGEST-MD5 begins with the server's challenge")
    nonce = context.nonce()
    offer = f'realm="{context.domain}",nonce="{nonce}",qop="auth",charset=utf-8,algorithm=md5-sess'
    given = _parse((yield from challenge(offer.encode())))
    digest = _read(context, given, nonce)
    username = _prepared(digest.username)

    known, version = yield from fetch_password(username)
    password = secrets.token_hex() if known is None else known
    charset = _matching_charset(digest, password, given.get("response", ""))
    if charset is None:
        raise SASLFailure("not-authorized", reason="auth.credentials")
    # RFC 3920 §6.2 has no data with <success/>: the proof goes out as one more challenge.
    rspauth = digest.response(password, charset, method="")
    if (yield from challenge(f"rspauth={rspauth}".encode())):
        raise _malformed("the response to rspauth is empty")
    return Success(username, digest.authzid, version=version)


def _matching_charset(digest: Digest, password: str, response: str) -> str | None:
    """Find the character set that makes the response right; None if the password is wrong.

    RFC 2831 §2.1.2.1 wants ISO 8859-1 wherever it will do; many clients hash UTF-8 always.
    """
    right = None
    for charset in ("utf-8", "iso-8859-1"):
        try:
            expected = digest.response(password, charset)
        except UnicodeEncodeError:
            continue
        if hmac.compare_digest(expected.encode(), response.encode()):
            right = charset
    return right


_DIRECTIVE = re.compile(
    r"[ \t\r\n]*([A-Za-z0-9-]+)[ \t\r\n]*=[ \t\r\n]*"
    r'(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))[ \t\r\n]*(?:,|$)',
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def _parse(message: bytes) -> dict[str, str]:
    """Take apart a list of directives, none of which may come twice (RFC 2831 §2.1.2, §7.1).

    ISO 8859-1 is read as such where the client does not say charset=utf-8.
    """
    try:
        text = message.decode("utf-8" if b"charset=utf-8" in message.lower() else "iso-8859-1")
    except UnicodeDecodeError:
        raise _malformed("not UTF-8") from None
    given: dict[str, str] = {}
    position = 0
    while position < len(text):
        found = _DIRECTIVE.match(text, position)
        if found is None or found[1].lower() in given:
            raise _malformed("no digest-response")
        quoted, plain = found[2], found[3]
        given[found[1].lower()] = plain if quoted is None else _ESCAPED.sub(r"\1", quoted)
        position = found.end()
    return given


def _read(context: Context, given: dict[str, str], nonce: str) -> Digest:
    """Check every directive that does not depend on the password (RFC 2831 §2.1.2)."""
    missing = {"username", "nonce", "cnonce", "nc", "digest-uri", "response"} - given.keys()
    if missing or not given["cnonce"]:
        raise _malformed("a required directive is missing")
    realm = given.get("realm", "")
    checks = (
        (hmac.compare_digest(given["nonce"].encode(), nonce.encode()), "nonce"),
        (given["nc"] == "00000001", "nc"),
        (given.get("qop", "auth") == "auth", "qop"),
        (given.get("charset", "utf-8").lower() == "utf-8", "charset"),
        (realm in ("", context.domain), "realm"),
        (_is_ours(context.domain, given["digest-uri"]), "digest-uri"),
    )
    for right, name in checks:
        if not right:
            raise _malformed(f"a wrong {name}")
    return Digest(
        given["username"],
        realm,
        nonce,
        given["cnonce"],
        given["digest-uri"],
        given.get("authzid", ""),
    )


def _is_ours(domain: str, digest_uri: str) -> bool:
    """Whether this is `xmpp/domain`, or `xmpp/host/domain`: the service counts, not the host.

    The host that SRV records led a client to is known to the DNS only (RFC 2831 §2.1.2), and
    the proof covers the service's name.
    """
    service, _, rest = digest_uri.lower().partition("/")
    return service == "xmpp" and domain in (rest, rest.partition("/")[2])


def _prepared(username: str) -> str:
    try:
        return prepare_username(username)
    except ValueError:
        raise _malformed("a user name that SASLprep refuses") from None


def _hex(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def _malformed(text: str) -> SASLFailure:
    return SASLFailure("malformed-request", text, reason="auth.malformed")
