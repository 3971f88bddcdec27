"""What a SASL exchange asks for on its way, and what it ends in.

An exchange is a generator. It yields one of the requests below, is sent the answer, and in the
end returns `Success` or raises `errors.SASLFailure`. Whoever answers may throw a SASLFailure into
it, for instance `temporary-auth-failure` where the store does not answer.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from xmppd.credentials import ScramKeys

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Challenge:
    """To be sent to the client; answered with the bytes of its response (RFC 4422 §3.4)."""

    data: bytes = field(repr=False)


class Answer(NamedTuple, Generic[T]):
    """The answer to one of the requests below, and the version of the account it is about.

    What a version is made of is known to whoever answers: it is handed back with `Success`, so
    that only the very account and the credentials that were proved let anybody in.
    """

    value: T
    version: object

    def __repr__(self) -> str:
        return "Answer(...)"  # it may hold a password


@dataclass(frozen=True, slots=True)
class FetchKeys:
    """Answered with the user's ScramKeys, or with invented ones: the exchange can't tell."""

    username: str
    hash_name: str


@dataclass(frozen=True, slots=True)
class FetchPassword:
    """Answered with the user's password, or with None where there is none to be had."""

    username: str


@dataclass(frozen=True, slots=True)
class CheckPassword:
    """Answered with a bool: whether this is the user's password."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Success:
    """The client has proved to be `username`, a name that SASLprep has passed.

    `authzid` is the authorization identity it asked for, as it came, or "" for its own. Nothing
    is authorized yet, nor is it known whether the account still exists and is switched on (see
    `xmppd.auth.backend.authorized`): asking that only now tells nothing to whoever has no proof.
    `version` is that of the `Answer` the proof was checked against, None where there was none.
    `data` goes out with `<success/>`.
    """

    username: str
    authzid: str = ""
    data: bytes | None = field(default=None, repr=False)
    anonymous: bool = False
    version: object | None = field(default=None, repr=False)


Request = Challenge | FetchKeys | FetchPassword | CheckPassword
"""What an exchange may yield."""

Steps = Generator[Request, Any, Success]
"""A whole exchange."""


def challenge(data: bytes) -> Generator[Request, Any, bytes]:
    """Send a challenge and wait for the response: `response = yield from challenge(data)`."""
    response: bytes = yield Challenge(data)
    return response


def first_response(initial: bytes | None) -> Generator[Request, Any, bytes]:
    """Take the initial response, or ask for it with an empty challenge (RFC 4422 §5, example)."""
    return (yield from challenge(b"")) if initial is None else initial


def fetch_keys(username: str, hash_name: str) -> Generator[Request, Any, Answer[ScramKeys]]:
    """Ask for SCRAM keys: `keys, version = yield from fetch_keys(...)`, as with the next two."""
    answer: Answer[ScramKeys] = yield FetchKeys(username, hash_name)
    return answer


def fetch_password(username: str) -> Generator[Request, Any, Answer[str | None]]:
    """Ask for a password in the clear."""
    answer: Answer[str | None] = yield FetchPassword(username)
    return answer


def check_password(username: str, password: str) -> Generator[Request, Any, Answer[bool]]:
    """Ask whether a password is right."""
    answer: Answer[bool] = yield CheckPassword(username, password)
    return answer
