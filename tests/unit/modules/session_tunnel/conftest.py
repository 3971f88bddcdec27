"""A server, a gateway that it trusts to carry sessions, and a client that has logged in by it."""

import pytest

from tests.support.gateway import GRANTED, Gateway, TunneledClient
from tests.support.server import Verona


@pytest.fixture
def server() -> Verona:
    return Verona(components=GRANTED)


@pytest.fixture
def gateway(server: Verona) -> Gateway:
    return Gateway(server)


@pytest.fixture
def juliet(gateway: Gateway) -> TunneledClient:
    return gateway.log_in("juliet", "balcony")
