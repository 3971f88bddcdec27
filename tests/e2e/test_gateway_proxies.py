"""The HTTP gateway behind nginx and HAProxy, set up by the samples in `etc/`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.e2e.verona import VERONA, Server, running
from tests.support import reverse_proxies
from tests.support.process import until
from tests.support.server import PASSWORD
from tests.support.web_peers import Web

SOURCE = "127.0.0.7"
"""Where clients connect from: an address of this machine that is no proxy's."""

AT = f" at http.{VERONA}"
"""What `xmppctl sessions` adds to an address of this machine that a gateway tells."""

LISTENS = re.compile(r"bosh\.listen listens on \S+:(\d+)")

SPOOFED = {
    "X-Forwarded-For": "198.51.100.9",
    "X-Forwarded-Proto": "http",
    "Forwarded": "for=198.51.100.9;proto=https",
    "Via": "1.1 198.51.100.9",
    "Connection": "Upgrade, X-Forwarded-For, X-Forwarded-Proto",  # to be left out on the way
}


class Gateway(NamedTuple):
    server: Server
    port: int

    def sessions(self) -> dict[str, Any]:
        """Those that there are, by resource."""
        told = self.server.process.ctl("sessions", "--json")
        assert told.returncode == 0, told.stderr
        each = [json.loads(line) for line in told.stdout.splitlines()]
        return {one["jid"].rpartition("/")[2]: one for one in each}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    tables = {
        "bundled": {"start": True, "off": ["vcard", "muc", "pubsub"]},
        "bundled.settings.bosh": {"listen": ["tcp:0:interface=127.0.0.1"]},
    }
    people = (f"juliet@{VERONA}",)
    with running(tmp_path_factory.mktemp("gateway"), tables, people) as server:
        server.process.wait_for(f"component http.{VERONA} is connected")
        listens = LISTENS.search(server.process.wait_for("bosh.listen listens on"))
        assert listens is not None
        yield Gateway(server, int(listens[1]))


@pytest.fixture(scope="module", params=reverse_proxies.NAMES)
def proxy(
    request: pytest.FixtureRequest, gateway: Gateway, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Web]:
    home = tmp_path_factory.mktemp(request.param)
    server = gateway.server
    with reverse_proxies.in_front(request.param, home, gateway.port, server.issuer) as port:
        host = {"Host": f"{VERONA}:{port}"}
        yield Web(port, VERONA, server.authority, SOURCE, host)


@pytest.mark.parametrize("way", ["websocket", "bosh"])
def test_a_client_logs_in_and_its_own_address_arrives(
    way: str, proxy: Web, gateway: Gateway
) -> None:
    with getattr(proxy, way)() as juliet:
        juliet.log_in("juliet", PASSWORD, way)
        session = gateway.sessions()[way]
    assert (session["address"], session["secure"]) == (f"{SOURCE}{AT}", True)


@pytest.mark.parametrize("way", ["websocket", "bosh"])
def test_what_a_client_says_of_itself_is_not_believed(
    way: str, proxy: Web, gateway: Gateway
) -> None:
    lying = proxy._replace(headers={**proxy.headers, **SPOOFED})
    with getattr(lying, way)() as juliet:
        juliet.log_in("juliet", PASSWORD, f"{way}-lying")
        session = gateway.sessions()[f"{way}-lying"]
    assert (session["address"], session["secure"]) == (f"{SOURCE}{AT}", True)


def test_host_meta_leads_through_the_proxy(proxy: Web) -> None:
    """XEP-0156 §2.2: by https and wss."""
    told = proxy.fetch("/.well-known/host-meta.json")
    assert told.status == 200
    host = f"{VERONA}:{proxy.port}"
    assert {each["href"] for each in json.loads(told.body)["links"]} == {
        f"https://{host}/http-bind",
        f"wss://{host}/xmpp-websocket",
    }


def test_a_page_of_the_proxys_name_is_our_own(proxy: Web) -> None:
    own = {"Origin": f"https://{VERONA}:{proxy.port}"}
    with proxy._replace(headers={**proxy.headers, **own}).websocket() as juliet:
        assert juliet.status == 101
    foreign = {"Origin": "https://montague.lit"}
    with proxy._replace(headers={**proxy.headers, **foreign}).websocket() as tybalt:
        assert tybalt.status == 403


def test_the_web_clients_files_come_through(proxy: Web) -> None:
    told = proxy.fetch("/config.json")
    assert (told.status, json.loads(told.body)["domain"]) == (200, VERONA)
    assert f"wss://{VERONA}:{proxy.port}" in told.headers["content-security-policy"]


def test_metrics_do_not_leave_the_machine(proxy: Web, gateway: Gateway) -> None:
    assert proxy.fetch("/metrics").status == 404
    assert proxy._replace(headers={"Host": "localhost"}).fetch("/metrics").status == 404
    here = Web(gateway.port, VERONA)

    def metrics() -> dict[str, Any]:
        told: dict[str, Any] = json.loads(here.fetch("/metrics").body)
        return told

    until(lambda: not metrics()["sessions"]["websocket"])  # those of other tests are gone
    before = metrics()
    with here.websocket() as juliet, here.bosh() as romeo:
        juliet.open()
        romeo.open()
        told = metrics()
    assert told["domain"] == f"http.{VERONA}"
    assert told["sessions"] == {way: count + 1 for way, count in before["sessions"].items()}
    assert told["refusals"]["http.not-found"] >= 2


def test_an_operator_is_told_whom_the_gateway_has_refused(gateway: Gateway) -> None:
    who = {"Origin": "https://montague.lit", "X-Forwarded-For": "203.0.113.9"}
    with Web(gateway.port, VERONA, headers=who).websocket() as tybalt:
        assert tybalt.status == 403

    def why() -> str:
        return gateway.server.process.ctl("why", "203.0.113.9").stdout

    until(lambda: f"http.origin  -  to http.{VERONA}  from 203.0.113.9" in why())
    assert "What to do: origins in [bosh] names those that may" in why()


def test_without_a_proxy_its_headers_mean_what_they_say(gateway: Gateway) -> None:
    """From 127.0.0.1 a proxy's word is taken; from anywhere else it is a client's."""
    proto = {"X-Forwarded-For": "198.51.100.9", "X-Forwarded-Proto": "https"}
    with Web(gateway.port, VERONA, headers=proto).websocket() as juliet:
        juliet.log_in("juliet", PASSWORD, "believed")
        assert gateway.sessions()["believed"]["address"] == "198.51.100.9"
    with Web(gateway.port, VERONA, source=SOURCE, headers=proto).websocket() as tybalt:
        features = tybalt.open()
    assert "PLAIN" not in "".join(features.itertext())
