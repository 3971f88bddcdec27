"""What is kept of a password, how it is made, and how a password is checked against it.

The store holds SCRAM keys (RFC 5802 §3) and nothing from which a password could be read. Only
where the operator switched digest logins on does it also hold the password, sealed under a key
that is kept outside the store: DIGEST-MD5 and XEP-0078 digests cannot work from SCRAM keys.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import stringprep
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

HASHES: Mapping[str, str] = {"SHA-256": "sha256", "SHA-1": "sha1"}
"""SCRAM's hash names (RFC 5802, RFC 7677), strongest first, and hashlib's names for them."""

ITERATIONS = 10_000
"""PBKDF2 rounds of new credentials where the configuration says nothing else."""

LEAST_ITERATIONS = 4096
"""PBKDF2 rounds below which no credentials are made (RFC 5802 §5.1, RFC 7677 §4)."""

SALT_BYTES = 16
"""Length of every salt, the invented ones of unknown users included."""

LONGEST = 1024
"""Characters beyond which no user name or password is accepted: preparing costs time."""


@dataclass(frozen=True, slots=True)
class ScramKeys:
    """What a server keeps for one SCRAM hash (RFC 5802 §3); the keys never show in a repr."""

    salt: bytes = field(repr=False)
    iterations: int
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """All that is kept of one password.

    `keys` is by hash name, a key of `HASHES`. `sealed` is the password encrypted under a key
    outside the store, or None where digest logins are off.
    """

    keys: Mapping[str, ScramKeys]
    sealed: bytes | None = field(default=None, repr=False)


def derive(password: str, hash_name: str, *, salt: bytes, iterations: int) -> ScramKeys:
    """Derive the SCRAM keys of `password` (RFC 5802 §3); takes milliseconds, releases the GIL.

    Raises ValueError for a password that SASLprep refuses, KeyError for an unknown hash.
    """
    algorithm = HASHES[hash_name]
    prepared = prepare_password(password).encode()
    salted = hashlib.pbkdf2_hmac(algorithm, prepared, salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", algorithm)
    stored_key = hashlib.new(algorithm, client_key).digest()
    return ScramKeys(salt, iterations, stored_key, hmac.digest(salted, b"Server Key", algorithm))


def make_credentials(
    password: str,
    *,
    iterations: int = ITERATIONS,
    seal: Callable[[str], bytes] | None = None,
) -> Credentials:
    """Make what is to be kept of a new password: keys for every hash, each with its own salt.

    `seal` encrypts the prepared password for digest logins; None where those are off. Raises
    ValueError for a password that SASLprep refuses and for fewer than `LEAST_ITERATIONS`.
    """
    if iterations < LEAST_ITERATIONS:
        raise ValueError(f"at least {LEAST_ITERATIONS} iterations are needed, not {iterations}")
    keys = {
        name: derive(password, name, salt=secrets.token_bytes(SALT_BYTES), iterations=iterations)
        for name in HASHES
    }
    return Credentials(keys, seal(prepare_password(password)) if seal else None)


def verify(password: str, keys: ScramKeys) -> bool:
    """Whether `keys` were made from `password`; in constant time, after PBKDF2's milliseconds.

    A password that SASLprep refuses is a wrong one (RFC 4616 §2).
    """
    hash_name = _HASH_OF_LENGTH[len(keys.stored_key)]
    try:
        tried = derive(password, hash_name, salt=keys.salt, iterations=keys.iterations)
    except ValueError:
        return False
    return hmac.compare_digest(tried.stored_key, keys.stored_key)


def fake_keys(
    username: str, domain: str, hash_name: str, server_secret: bytes, iterations: int
) -> ScramKeys:
    """Make keys for somebody who has none, the same ones each time; no password fits them.

    With them an exchange for an unknown user looks like one with a wrong password (RFC 5802 §9
    asks for the salt to be plausible). `username` is the prepared localpart, so that two
    spellings of one name have one salt; `server_secret` is what makes them unpredictable. As with
    real keys, another count of iterations comes with another salt.
    """
    named = (hash_name, domain, username, str(iterations))
    identity = "\0".join(named).encode("utf-8", "surrogatepass")

    def invented(purpose: bytes) -> bytes:
        return hmac.digest(server_secret, purpose + b"\0" + identity, HASHES[hash_name])

    salt = invented(b"salt")[:SALT_BYTES]
    return ScramKeys(salt, iterations, invented(b"stored key"), invented(b"server key"))


def is_outdated(credentials: Credentials, iterations: int, *, sealed: bool) -> bool:
    """Whether new credentials would be better: a hash missing, too few rounds, nothing sealed.

    `sealed` says whether a sealed password is wanted; one that is not wanted counts as well.
    """
    return sealed != (credentials.sealed is not None) or any(
        name not in credentials.keys or credentials.keys[name].iterations < iterations
        for name in HASHES
    )


def prepare_password(text: str) -> str:
    """Apply SASLprep as to a stored string: no unassigned characters (RFC 4013, RFC 5802 §2.2).

    Raises ValueError for an empty result, prohibited characters, and more than `LONGEST`.
    """
    return _saslprep(text, unassigned=False)


def prepare_username(text: str) -> str:
    """Apply SASLprep as to a query: unassigned characters may pass (RFC 4013, RFC 5802 §5.1).

    Raises ValueError for an empty result, prohibited characters, and more than `LONGEST`.
    """
    return _saslprep(text, unassigned=True)


_HASH_OF_LENGTH = {hashlib.new(algorithm).digest_size: name for name, algorithm in HASHES.items()}

_PROHIBITED: tuple[Callable[[str], bool], ...] = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)
"""The tables of RFC 4013 §2.3."""


def _saslprep(text: str, *, unassigned: bool) -> str:
    """RFC 4013 in the order of RFC 3454 §1.2: map, normalize, prohibit, check bidi."""
    if not 0 < len(text) <= LONGEST:
        raise ValueError(f"empty, or longer than {LONGEST} characters")
    if text.isascii() and text.isprintable():
        return text
    mapped = "".join(
        " " if stringprep.in_table_c12(c) else c for c in text if not stringprep.in_table_b1(c)
    )
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    # NFKC may lengthen a string 18-fold.
    if not 0 < len(prepared) <= LONGEST:
        raise ValueError(f"nothing is left of it, or it is longer than {LONGEST} characters")
    if any(table(c) for c in prepared for table in _PROHIBITED):
        raise ValueError("a character that SASLprep prohibits")
    if not unassigned and any(map(stringprep.in_table_a1, prepared)):
        raise ValueError("a character that Unicode 3.2 does not know")
    _check_bidi(prepared)
    return prepared


def _check_bidi(text: str) -> None:
    """RFC 3454 §6: text with right-to-left characters starts and ends with one, and has no other.

    The prohibition of C.8, the section's first demand, stands in `_PROHIBITED`.
    """
    if not any(map(stringprep.in_table_d1, text)):
        return
    framed = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    if not framed or any(map(stringprep.in_table_d2, text)):
        raise ValueError("left-to-right and right-to-left characters are mixed")
