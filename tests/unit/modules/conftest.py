"""What the tests of most modules need: a server, and a client that has logged in to it."""

import pytest

from tests.support.server import Verona


@pytest.fixture
def server():
    return Verona()


@pytest.fixture
def juliet(server):
    return server.log_in("juliet", "balcony")
