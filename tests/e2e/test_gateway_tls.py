"""The HTTP gateway with TLS of its own, and no proxy before it."""

from __future__ import annotations

import ipaddress
import json
import re
import socket
from collections.abc import Iterator

import pytest
from cryptography import x509

from tests.e2e.verona import VERONA, Server, running
from tests.support.certificates import Authority, write_pair
from tests.support.server import PASSWORD
from tests.support.web_peers import Web

SOURCE = "127.0.0.7"
LISTENS = re.compile(r"bosh\.listen listens on \S+:(\d+)")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Web]]:
    home = tmp_path_factory.mktemp("gateway")
    authority = Authority()
    certificate, key = home / "web.crt", home / "web.key"
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    write_pair(authority.issue(names), certificate, key)
    listen = f"ssl:0:interface=127.0.0.1:privateKey={key}:certKey={certificate}"
    tables = {
        "bundled": {"start": True, "off": ["vcard", "muc", "pubsub"]},
        "bundled.settings.bosh": {"listen": [listen]},
    }
    with running(tmp_path_factory.mktemp("verona"), tables, (f"juliet@{VERONA}",)) as server:
        server.process.wait_for(f"component http.{VERONA} is connected")
        found = LISTENS.search(server.process.wait_for("bosh.listen listens on"))
        assert found is not None
        trusted = authority.write(home / "authority.pem")
        yield server, Web(int(found[1]), VERONA, trusted, SOURCE, {"Host": VERONA})


@pytest.mark.parametrize("way", ["websocket", "bosh"])
def test_a_client_is_secure(way: str, world: tuple[Server, Web]) -> None:
    server, web = world
    with getattr(web, way)() as juliet:
        juliet.log_in("juliet", PASSWORD, way)
        told = server.process.ctl("sessions", "--json").stdout.splitlines()
    [session] = [each for each in map(json.loads, told) if each["jid"].endswith(f"/{way}")]
    assert (session["address"].split()[0], session["secure"]) == (SOURCE, True)


def test_links_and_pages_are_of_https(world: tuple[Server, Web]) -> None:
    _, web = world
    links = json.loads(web.fetch("/.well-known/host-meta.json").body)["links"]
    assert {each["href"] for each in links} == {
        f"https://{VERONA}/http-bind",
        f"wss://{VERONA}/xmpp-websocket",
    }
    for scheme, status in (("https", 101), ("http", 403)):
        own = {**web.headers, "Origin": f"{scheme}://{VERONA}"}
        with web._replace(headers=own).websocket() as client:
            assert client.status == status


def test_who_speaks_no_tls_is_let_go(world: tuple[Server, Web]) -> None:
    _, web = world
    with socket.create_connection(("127.0.0.1", web.port), 20) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        heard = b""
        while data := sock.recv(65536):
            heard += data
    assert b"HTTP" not in heard
