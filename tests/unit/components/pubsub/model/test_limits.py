"""What a node may have (XEP-0060 §17.4.4)."""

from __future__ import annotations

import pytest

from components.pubsub.model import limits
from components.pubsub.model.policy import Policy
from components.pubsub.model.settings import AT_DOMAIN, MAX

POLICY = Policy(items=100, expire=3_600, item_octets=1_000)
GENEROUS = Policy(items=100, expire=0, item_octets=1_000)


@pytest.mark.parametrize(("set_", "may"), [(MAX, 100), (1, 1), (100, 100), (101, 100)])
def test_max_items(set_: int, may: int) -> None:
    assert limits.items(AT_DOMAIN.change(max_items=set_), POLICY) == may


@pytest.mark.parametrize(
    ("set_", "may", "generous"),
    [(MAX, 3_600, 0), (0, 3_600, 0), (60, 60, 60), (3_601, 3_600, 3_601)],
)
def test_item_expire(set_: int, may: int, generous: int) -> None:
    settings = AT_DOMAIN.change(item_expire=set_)
    assert (limits.seconds(settings, POLICY), limits.seconds(settings, GENEROUS)) == (may, generous)


@pytest.mark.parametrize(("set_", "may"), [(0, 1_000), (1, 1), (1_000, 1_000), (1_001, 1_000)])
def test_max_payload_size(set_: int, may: int) -> None:
    assert limits.octets(AT_DOMAIN.change(max_payload_size=set_), POLICY) == may
