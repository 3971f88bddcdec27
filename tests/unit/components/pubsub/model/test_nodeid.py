"""What a node may be called (XEP-0060 §4.6, §13.9)."""

from __future__ import annotations

import pytest

from components.pubsub.model.node import Address
from components.pubsub.model.nodeid import OCTETS, TOGETHER, check
from xmppd.jid import JID

PUBSUB = JID.parse("pubsub.shakespeare.lit")


@pytest.mark.parametrize("name", ["O" * OCTETS, "ö" * (OCTETS // 2), "劇場", " ", "a\"b'c<d>&"])
def test_what_may_be(name: str) -> None:
    check(Address(PUBSUB, name))


@pytest.mark.parametrize(
    "name", ["O" * (OCTETS + 1), "ö" * (OCTETS // 2 + 1), "Ⅳ", "\x07", "\u0340"]
)
def test_what_may_not_be(name: str) -> None:
    with pytest.raises(ValueError, match="NodeID"):
        check(Address(PUBSUB, name))


def test_an_index_has_room_for_a_node_and_its_service() -> None:
    service = JID.of("o" * 1_000, "o" * 60 + ".lit")
    room = TOGETHER - len(service)
    assert room > OCTETS
    longer = JID.of("o" * 1_023, ".".join(["o" * 60] * 10))
    check(Address(longer, "o" * (TOGETHER - len(longer))))
    with pytest.raises(ValueError, match="NodeID"):
        check(Address(longer, "o" * (TOGETHER - len(longer) + 1)))
