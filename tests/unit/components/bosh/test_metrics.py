import json
import os

import pytest
from twisted.internet.task import Clock

from components.bosh.http.metrics import Metrics
from components.bosh.http.request import Peer
from components.bosh.http.routes import nothing
from tests.support.http_exchanges import HERE, answered, asking, told
from xmppd import __version__

ELSEWHERE = Peer("10.0.0.5", secure=False)


@pytest.fixture
def clock():
    clock = Clock()
    clock.advance(1_000)
    return clock


def metrics(clock, *allowed):
    allowed = allowed or ("127.0.0.1", "::1")
    sources = {"sessions": lambda: {"bosh": 1, "websocket": 2}, "refusals": lambda: {"a.b": 3}}
    return Metrics(sources, clock.seconds, nothing(), allowed)


def status(handler, peer=HERE, host="localhost:5280", **asked):
    return answered(handler, asking("/metrics", peer=peer, host=host, **asked)).status


def test_what_is_told(clock):
    handler = metrics(clock)
    clock.advance(60)
    response = answered(handler, asking("/metrics", peer=HERE, host="localhost:5280"))
    assert response.status == 200
    assert told(response, "Content-Type") == "application/json"
    assert told(response, "Cache-Control") == "no-store"
    assert json.loads(response.body) == {
        "version": __version__,
        "pid": os.getpid(),
        "started": 1_000,
        "uptime": 60,
        "sessions": {"bosh": 1, "websocket": 2},
        "refusals": {"a.b": 3},
    }


def test_nobody_elsewhere(clock):
    assert status(metrics(clock), ELSEWHERE) == 404
    assert status(metrics(clock), ELSEWHERE._replace(secure=True, tls=True)) == 404


@pytest.mark.parametrize("sign", ["x_forwarded_for", "forwarded", "via", "x_real_ip"])
def test_nobody_through_a_proxy(clock, sign):
    assert status(metrics(clock), **{sign: "127.0.0.1"}) == 404
    assert status(metrics(clock, "10.0.0.5"), ELSEWHERE, **{sign: "10.0.0.5"}) == 404


def test_nobody_through_a_proxy_that_says_nothing(clock):
    assert status(metrics(clock), HERE._replace(secure=False)) == 404
    assert status(metrics(clock), HERE._replace(tls=True), host="chat.example.org") == 404


def test_who_is_named(clock):
    assert status(metrics(clock, "10.0.0.0/8"), ELSEWHERE, host="gateway:5280") == 200
    assert status(metrics(clock, "10.0.0.6"), ELSEWHERE, host="gateway:5280") == 404
    assert status(metrics(clock, "10.0.0.6")) == 404


def test_it_is_only_read(clock):
    assert status(metrics(clock), method="POST") == 404
    assert status(metrics(clock), method="HEAD") == 200
