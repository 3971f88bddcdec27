"""Domains that the configuration names one by one, or by "*." and a domain: all below it."""

from __future__ import annotations

from collections.abc import Container


def matching(domain: str, patterns: Container[str]) -> str:
    """The pattern that holds for a domain: itself, else the closest "*." above it; "" if none.

    All are in the form that JIDs have (`prepare_domain`).
    """
    if domain in patterns:
        return domain
    _, dot, above = domain.partition(".")
    while dot:
        if f"*.{above}" in patterns:
            return f"*.{above}"
        _, dot, above = above.partition(".")
    return ""


def around(domain: str) -> str:
    """The domain with all that may be of the same server: whoever has one has those below it.

    Of a country's own second level that is too much: this is for sharing what there is.
    """
    return ".".join(domain.rsplit(".", 2)[-2:])
