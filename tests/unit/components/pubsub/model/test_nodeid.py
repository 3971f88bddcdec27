"""What a node may be called (XEP-0060 §4.6, §13.9)."""

from __future__ import annotations

import pytest

from components.pubsub.model.nodeid import OCTETS, check


@pytest.mark.parametrize("name", ["O" * OCTETS, "ö" * (OCTETS // 2), "劇場", " ", "a\"b'c<d>&"])
def test_what_may_be(name: str) -> None:
    check(name)


@pytest.mark.parametrize(
    "name", ["O" * (OCTETS + 1), "ö" * (OCTETS // 2 + 1), "Ⅳ", "\x07", "\u0340"]
)
def test_what_may_not_be(name: str) -> None:
    with pytest.raises(ValueError, match="NodeID"):
        check(name)
