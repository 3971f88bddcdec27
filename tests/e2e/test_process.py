"""The life of the process: what it says at its end, and what it remembers."""

import asyncio
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.verona import PEOPLE, VERONA, Server, running
from tests.support.clients import Client, soon
from tests.support.peers import Peer
from tests.support.process import READY, RunningServer, run_server
from tests.support.server import PASSWORD
from xmppd import ns


@pytest.fixture
def own(tmp_path: Path, store: Mapping[str, Any]) -> Iterator[Server]:
    """A server to stop, on each store."""
    tables = {"registration": {"policy": "on"}, "store": store}
    with running(tmp_path, tables, PEOPLE[:1]) as server:
        yield server


async def test_everybody_is_told_of_the_end_and_the_accounts_outlive_it(own: Server) -> None:
    """RFC 6120 §4.9.3.20."""
    async with Client(f"juliet@{VERONA}", PASSWORD, own, tls="direct") as juliet:
        with Peer(own.c2s, VERONA) as stranger:
            stranger.open()
            assert await asyncio.to_thread(own.process.stop) == 0
            assert stranger.ending() == "system-shutdown"
        assert await soon(juliet.stream_errors.get()) == "system-shutdown"
        await soon(juliet.gone)
    own.start()
    async with Client(f"juliet@{VERONA}", PASSWORD, own):
        pass


def test_account_that_was_confirmed_survives_a_power_cut(own: Server) -> None:
    with Peer(own.c2s, VERONA) as friar:
        friar.open()
        fields = "<username>laurence</username><password>Benedicite</password>"
        answer = friar.ask(f"<query xmlns='{ns.REGISTER}'>{fields}</query>", "set")
        assert answer.get("type") == "result"
        own.process.kill()
    own.start()
    with Peer(own.c2s, VERONA) as friar:
        friar.log_in("laurence", "Benedicite", "cell")


def test_server_without_any_configuration_serves_localhost(tmp_path: Path) -> None:
    """`twistd -n xmppd` and nothing else: register, log in, be heard."""
    for port in (5222, 5223):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                pytest.skip(f"port {port} of this machine is taken")
    server = RunningServer(tmp_path, None)
    try:
        server.wait_for(READY)
        server.wait_for("component vcard.localhost is connected from this machine")
        fields = "<username>prospero</username><password>thus far</password>"
        with Peer(5222, "localhost") as prospero:
            prospero.open()
            answer = prospero.ask(f"<query xmlns='{ns.REGISTER}'>{fields}</query>", "set")
            assert answer.get("type") == "result"
        with Peer(5222, "localhost") as prospero:
            prospero.log_in("prospero", "thus far", "island")
            prospero.ping()
    finally:
        assert server.stop() == 0


def test_server_whose_files_somebody_has_taken_away_ends_all_the_same(tmp_path: Path) -> None:
    """Its control socket could not be closed in order, and it waited for that for ever."""
    with run_server(tmp_path) as server:
        shutil.rmtree(tmp_path / "data")
        assert server.stop() == 0
    assert "a port was not closed in order" in server.output
