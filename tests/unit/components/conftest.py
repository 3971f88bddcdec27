"""A component of the kit that is connected, and the server that it is connected to."""

import pytest

from components.common.component import Component
from tests.support.kit import Server


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def component(server: Server) -> Component:
    component = server.component()
    server.let_in()
    return component
