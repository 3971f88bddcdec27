"""BOSH in memory, and a client who has logged in by it."""

from __future__ import annotations

import pytest

from tests.support.boshing import Asker, Bosh


@pytest.fixture
def bosh() -> Bosh:
    return Bosh()


@pytest.fixture
def juliet(bosh: Bosh) -> Asker:
    client = bosh.client()
    client.log_in()
    return client
