"""Who a client says it is: xmppd/auth/claim.py."""

from __future__ import annotations

from types import ModuleType

import pytest
from twisted.internet.task import Clock

from tests.support.deferred import result
from xmppd import domainpart
from xmppd import jid as jid_module
from xmppd.auth.answers import Answers
from xmppd.auth.claim import account_of, claim
from xmppd.auth.internal import AccountBackend
from xmppd.auth.throttle import Throttle
from xmppd.errors import SASLFailure
from xmppd.jid import JID
from xmppd.stream.events import Reject
from xmppd.stream.sasl import CheckPassword, FetchKeys

DOMAIN = "capulet.lit"
HERE, THERE = "192.0.2.7", "198.51.100.9"
WRONG = SASLFailure("not-authorized", reason="auth.credentials")


@pytest.fixture
def answers(backend: AccountBackend) -> Answers:
    clock = Clock()
    return Answers(backend, Throttle(clock.seconds), clock, dict)


@pytest.mark.parametrize("name", ["JULIET", "juliet", "Juliet", "\uff4auliet"])
def test_every_spelling_is_the_same_account(name: str) -> None:
    """Else changing the case would start the count of failures anew."""
    claimed = claim(name, DOMAIN, HERE)
    assert claimed.jid == claimed.name == JID(f"juliet@{DOMAIN}")


@pytest.mark.parametrize("name", ["a@b", "a/b", "\x07", "j" * 1024, "\ud800"])
def test_a_name_that_no_account_can_have_is_nobodys_and_counted(name: str) -> None:
    claimed = claim(name, DOMAIN, HERE)
    assert claimed.jid is None
    assert claimed.name == f"{name}@{DOMAIN}"


def test_without_a_name_nobody_is_counted() -> None:
    assert claim("", DOMAIN, HERE).name == ""
    assert account_of("", DOMAIN) is None


def attempt(answers: Answers, username: str) -> None:
    result(answers.answer(CheckPassword(username, "x"), DOMAIN, HERE))
    result(answers.answer(FetchKeys(username, "SHA-1"), DOMAIN, HERE))
    result(answers.answer(Reject(username, WRONG), DOMAIN, HERE))


def counted(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> list[str]:
    """The texts that a function of a module is called with from now on."""
    seen: list[str] = []
    real = getattr(module, name)

    def count(text: str) -> str:
        seen.append(text)
        prepared: str = real(text)
        return prepared

    monkeypatch.setattr(module, name, count)
    return seen


@pytest.mark.parametrize("username", ["a@" + "ü." * 300, "a/" + "ü" * 400, "ü" * 400 + "@"])
def test_a_name_with_a_separator_is_not_prepared_at_all(
    monkeypatch: pytest.MonkeyPatch, answers: Answers, username: str
) -> None:
    """It is no domain and no resource that a stranger could make the server work on."""
    locals_ = counted(monkeypatch, jid_module, "_nodeprep")
    domains = counted(monkeypatch, domainpart, "_prepare_rare_domain")
    attempt(answers, username)
    assert locals_ == domains == []


def test_an_odd_name_is_prepared_once_for_a_whole_attempt(
    monkeypatch: pytest.MonkeyPatch, answers: Answers
) -> None:
    prepared = counted(monkeypatch, jid_module, "_nodeprep")
    attempt(answers, "an odd nurse\N{LATIN SMALL LETTER U WITH DIAERESIS}".replace(" ", "_"))
    assert len(prepared) == 1
