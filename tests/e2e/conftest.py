"""The running server that the end-to-end tests share, and how their coroutines run."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.verona import MASKS, VERONA, Server, running
from tests.support.coroutines import pytest_pyfunc_call as pytest_pyfunc_call
from tests.support.postgresql import shared
from tests.support.pubsub_bodies import BODY_XSLT, stylesheet


@pytest.fixture(scope="session")
def verona(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server with everything switched on; tests leave it as they found it."""
    tables = {
        "auth": {"digest_md5": True, "legacy": True, "anonymous": [MASKS]},
        "registration": {"policy": "on"},
        "compression": {"enabled": True},
    }
    with running(tmp_path_factory.mktemp("verona"), tables) as server:
        yield server


@pytest.fixture(scope="session")
def conference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the bundled chatrooms; each test has rooms of its own."""
    tables = {
        "bundled": {"start": True, "off": ["vcard", "pubsub", "bosh"]},
        "auth": {"anonymous": [MASKS]},
    }
    with running(tmp_path_factory.mktemp("conference"), tables) as server:
        server.process.wait_for(f"component conference.{VERONA} is connected")
        yield server


@pytest.fixture(scope="session")
def globe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the bundled nodes, at its domain and at accounts; each test has its own."""
    directory = tmp_path_factory.mktemp("globe")
    body = directory / "body.xslt"
    body.write_bytes(stylesheet("Act: <xsl:value-of select='*'/>"))
    tables = {
        "bundled": {"start": True, "off": ["vcard", "muc", "bosh"]},
        "bundled.settings.pubsub.bodies": {f'"{BODY_XSLT}"': str(body)},
    }
    with running(directory, tables) as server:
        server.process.wait_for(f"component pubsub.{VERONA} is connected")
        yield server


BACKENDS = ("sqlite", "postgresql")


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest) -> Iterator[Mapping[str, Any]]:
    """The `[store]` table of a server on each backend, in turn; its database is empty."""
    with _empty_store(request.param) as table:
        yield table


@pytest.fixture(scope="module", params=BACKENDS)
def shared_store(request: pytest.FixtureRequest) -> Iterator[Mapping[str, Any]]:
    """A `store` for the tests of a file that leave it as they found it."""
    with _empty_store(request.param) as table:
        yield table


@contextmanager
def _empty_store(backend: str) -> Iterator[Mapping[str, Any]]:
    if backend == "sqlite":
        yield {"url": "sqlite:xmppd.db"}
        return
    name = f"verona_{uuid.uuid4().hex}"
    shared().execute(f"CREATE DATABASE {name}")
    yield {"url": shared().url(name)}
    shared().execute(f"DROP DATABASE {name} WITH (FORCE)")
