"""A component of the kit that is connected, its server, and the backends of components' stores."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from components.common.component import Component
from tests.support.kit import Server
from tests.support.stores import BACKENDS, Backend


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def component(server: Server) -> Component:
    component = server.component()
    server.let_in()
    return component


@pytest.fixture(params=sorted(BACKENDS))
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    made = BACKENDS[request.param](tmp_path)
    yield made
    made.close()


@pytest.fixture
def wait(backend: Backend):
    return backend.reactor.wait
