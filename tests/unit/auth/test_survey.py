"""Unknown users have the iteration counts of those who are known: xmppd/auth/survey.py."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from twisted.internet.defer import fail, succeed

from tests.support.deferred import result
from xmppd import credentials
from xmppd.auth.claim import claim
from xmppd.auth.internal import AccountBackend
from xmppd.auth.survey import Survey
from xmppd.errors import StoreBusy

DOMAIN, ELSEWHERE = "capulet.lit", "montague.lit"
NAMES = [f"nurse{number}" for number in range(1000)]
SECRET = b"s" * 32


def seen(survey: Survey, configured: int = 6000, domain: str = DOMAIN) -> dict[str, int]:
    return {name: survey.iterations(name, domain, SECRET, configured) for name in NAMES}


def test_each_count_has_its_share_of_the_unknown() -> None:
    counts = Counter(seen(Survey({DOMAIN: {4096: 300, 6000: 599, 9000: 100}})).values())
    assert counts.keys() == {4096, 6000, 9000}
    assert 200 < counts[4096] < 400
    assert 500 < counts[6000] < 700
    assert 50 < counts[9000] < 150


def test_without_accounts_it_is_the_configured_one() -> None:
    assert set(seen(Survey({ELSEWHERE: {4096: 10}})).values()) == {6000}


def test_a_domain_has_the_counts_of_its_own_accounts() -> None:
    survey = Survey({DOMAIN: {4096: 1000}, ELSEWHERE: {8000: 1000}})
    assert 8000 not in seen(survey).values()
    assert 4096 not in seen(survey, domain=ELSEWHERE).values()


def test_a_name_keeps_its_count_until_it_goes_over_to_the_configured_one() -> None:
    """As an account does that is renewed: one that went back and forth would be no account."""
    before = seen(Survey({DOMAIN: {4096: 1000}}))
    for renewed in range(0, 1001, 100):
        now = seen(Survey({DOMAIN: {4096: 1000 - renewed, 6000: renewed}}))
        assert all(now[name] >= before[name] for name in NAMES)
        before = now
    assert set(before.values()) == {6000}


def test_both_hashes_of_a_name_have_one_count_and_so_do_its_spellings(accounts: Any) -> None:
    backend = surveyed(accounts, {4096: 500, 9000: 500})
    for name in NAMES[:20]:
        told = {
            result(backend.scram_keys(claim(spelled, DOMAIN, ""), hash_name)).value.iterations
            for spelled in (name, name.upper())
            for hash_name in ("SHA-1", "SHA-256")
        }
        assert len(told) == 1


def surveyed(accounts: Any, counts: dict[int, int]) -> AccountBackend:
    def run(function: Any, *args: Any, address: str) -> Any:
        return succeed(function(*args))

    survey = Survey({DOMAIN: counts})
    return AccountBackend(accounts, run=run, secret=SECRET, iterations=6000, survey=survey)


@pytest.mark.parametrize("count", [4096, 9000])
def test_a_wrong_password_takes_an_unknown_user_the_time_that_it_takes_a_known_one(
    accounts: Any, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Whether the operator has raised the count since the account was made, or lowered it."""
    accounts.add("juliet", "r0m30", iterations=count)
    backend = surveyed(accounts, {count: 10**6})
    spent: list[int] = []
    real = credentials.derive

    def counting(password: str, hash_name: str, *, salt: bytes, iterations: int) -> Any:
        spent.append(iterations)
        return real(password, hash_name, salt=salt, iterations=iterations)

    monkeypatch.setattr(credentials, "derive", counting)
    monkeypatch.setattr("xmppd.auth.internal.derive", counting)
    totals = []
    for name in ("juliet", "paris"):
        spent.clear()
        assert result(backend.check_password(claim(name, DOMAIN, ""), "wrong")).value is False
        totals.append(sum(spent))
    assert totals == [max(count, 6000)] * 2


class Store:
    """A store of which only the counts are asked."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def iterations(self) -> Any:
        return self._answers.pop(0)


def test_what_was_seen_before_will_do_while_the_store_is_busy() -> None:
    survey = Survey()
    store: Any = Store(succeed({DOMAIN: {4096: 10**6}}), fail(StoreBusy("the disk is full")))
    for _ in range(2):
        result(survey.look(store))
        assert 4096 in seen(survey).values()
