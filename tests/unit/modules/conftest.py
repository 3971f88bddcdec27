"""What the tests of most modules need: a server, and clients that have logged in to it."""

import pytest

from tests.support.server import Verona


@pytest.fixture
def server():
    return Verona()


@pytest.fixture
def juliet(server):
    return server.log_in("juliet", "balcony")


@pytest.fixture
def romeo(server):
    return server.log_in("romeo", "orchard")
