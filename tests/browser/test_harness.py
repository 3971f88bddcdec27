"""The browser tests' own ground: what goes wrong in a page fails the test."""

from __future__ import annotations

from time import monotonic

import pytest

from tests.support.process import PATIENCE

POLICY = {"Content-Security-Policy": "default-src 'none'"}


def _load(page, body: str, headers: dict[str, str] | None = None) -> None:
    page.route(
        "http://verona.test/",
        lambda route: route.fulfill(
            body=f"<!DOCTYPE html><title>v</title>{body}", content_type="text/html", headers=headers
        ),
    )
    page.goto("http://verona.test/")
    page.wait_for_load_state()


def _told(page, problems) -> None:
    """Wait for the page to tell of a problem."""
    deadline = monotonic() + PATIENCE
    while not problems:
        assert monotonic() < deadline
        page.wait_for_timeout(10)


def test_an_error_that_nothing_catches_is_a_problem(page, problems):
    _load(page, "<script>setTimeout(() => { throw new Error('alas'); })</script>")
    _told(page, problems)
    assert len(problems) == 1 and "alas" in problems.pop()


def test_so_is_a_promise_that_fails(page, problems):
    _load(page, "<script>Promise.reject(new Error('alack'))</script>")
    _told(page, problems)
    assert len(problems) == 1 and "alack" in problems.pop()


@pytest.mark.parametrize(
    "body", ["<script>1</script>", "<img src='data:,'>", "<p style='color: red'>"]
)
def test_so_is_what_the_policy_forbids(page, problems, body):
    _load(page, body, POLICY)
    _told(page, problems)
    assert "Content Security Policy" in problems[0]
    problems.clear()


def test_people_share_no_storage(new_page):
    juliet, romeo = new_page(), new_page()
    for page in (juliet, romeo):
        _load(page, "")
    juliet.evaluate("localStorage.setItem('nurse', 'Angelica')")
    assert romeo.evaluate("localStorage.getItem('nurse')") is None
