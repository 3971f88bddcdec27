from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stores import BACKENDS, PERSISTENT, QUEUEING, Backend
from xmppd.storage.accounts import SQLAccounts


def _made(name: str, base: Path) -> Iterator[Backend]:
    backend = BACKENDS[name](base)
    yield backend
    backend.close()


@pytest.fixture(params=sorted(BACKENDS))
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    yield from _made(request.param, tmp_path)


@pytest.fixture(params=QUEUEING)
def queueing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    yield from _made(request.param, tmp_path)


@pytest.fixture(params=PERSISTENT)
def persistent(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    yield from _made(request.param, tmp_path)


@pytest.fixture
def wait(backend: Backend):
    return backend.reactor.wait


@pytest.fixture
def accounts(backend: Backend) -> SQLAccounts:
    return SQLAccounts(backend.open())
