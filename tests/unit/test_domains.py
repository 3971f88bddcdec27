from __future__ import annotations

import pytest

from xmppd.domains import matching

PATTERNS = ("example.org", "*.example.org", "*.deep.example.org", "*.org", "bücher.example")


@pytest.mark.parametrize(
    ("domain", "pattern"),
    [
        ("example.org", "example.org"),
        ("xmpp.example.org", "*.example.org"),
        ("a.deep.example.org", "*.deep.example.org"),
        ("deep.example.org", "*.example.org"),
        ("other.org", "*.org"),
        ("org", ""),
        ("notexample.com", ""),
        ("bücher.example", "bücher.example"),
        ("x.bücher.example", ""),
        ("[2001:db8::1]", ""),
        ("", ""),
    ],
)
def test_the_domain_itself_then_the_closest_above_it(domain: str, pattern: str) -> None:
    assert matching(domain, PATTERNS) == pattern
    assert matching(domain, dict.fromkeys(PATTERNS)) == pattern


def test_the_own_name_counts_more_than_those_above() -> None:
    assert matching("a.example", ["*.example", "a.example"]) == "a.example"
