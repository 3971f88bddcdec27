"""What the configuration file of `twistd xmppd-bosh` has besides the tables of every component."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from components.common.config import Settings
from xmppd.config.schema import Table

Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Octets = Annotated[int, Meta(ge=4_096, le=67_108_864)]


class BoshTable(Table, frozen=True):
    """`[bosh]`: where to listen, who may connect from where, and how much there may be.

    Endpoints are those of Twisted, paths begin with "/", "" is for what is not offered; seconds
    and octets are what they are called. What each key means stands in etc/bosh.toml.
    """

    listen: tuple[str, ...] = ("tcp:5280:interface=127.0.0.1",)
    bosh: str = "/http-bind"
    websocket: str = "/xmpp-websocket"
    web: bool = True
    metrics: tuple[str, ...] = ("127.0.0.1", "::1")
    public: str = ""
    origins: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    forwarded: bool = False
    see_other_bosh: str = ""
    see_other_websocket: str = ""
    see_other_for: Literal["insecure", "everybody"] = "insecure"

    connections: Count = 20_000
    connections_per_address: Count = 200
    sessions: Count = 10_000
    sessions_per_address: Count = 100
    held_octets: Count = 0
    requests_per_second: Annotated[float, Meta(ge=0)] = 100.0
    request_burst: Annotated[int, Meta(ge=1)] = 500
    request_seconds: Seconds = 20.0
    idle_seconds: Seconds = 75.0
    body_octets: Octets = 524_288

    wait: Annotated[int, Meta(ge=1, le=3_600)] = 60
    hold: Annotated[int, Meta(ge=1, le=10)] = 2
    requests: Annotated[int, Meta(ge=2, le=20)] = 11
    inactivity: Annotated[int, Meta(ge=5, le=3_600)] = 120
    polling: Annotated[int, Meta(ge=1, le=60)] = 5
    maxpause: Annotated[int, Meta(ge=0, le=3_600)] = 300
    streams: Annotated[int, Meta(ge=1, le=100)] = 4
    routes: tuple[str, ...] = ()

    ping_seconds: Seconds = 45.0


class Config(Settings, frozen=True):
    """The whole file."""

    bosh: BoshTable = BoshTable()
