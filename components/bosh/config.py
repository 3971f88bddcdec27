"""What the configuration file of `twistd xmppd-bosh` has besides the tables of every component."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from components.common.config import Settings
from xmppd.config.schema import Table


class BoshTable(Table, frozen=True):
    """`[bosh]`: where to listen, who may connect from where, and how much there may be.

    `listen` are Twisted server endpoints. `bosh_path`, `websocket_path` are where the two
    transports are, `web` whether the web client is served, `metrics` where the counts are ("" for
    nowhere). `public` is how clients reach us from outside, as in "https://chat.example.org".
    `origins` are those of foreign pages that may connect, "*" for all. `proxies` are addresses and
    networks of proxies that are believed what they say of clients; `forwarded` whether by the
    header of RFC 7239. `see_other_uri` is where clients are sent instead.
    """

    listen: tuple[str, ...] = ("tcp:5280:interface=127.0.0.1",)
    bosh_path: str = "/http-bind"
    websocket_path: str = "/xmpp-websocket"
    web: bool = True
    public: str = ""
    origins: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    forwarded: bool = False

    connections: Annotated[int, Meta(ge=0)] = 20_000
    connections_per_address: Annotated[int, Meta(ge=0)] = 100
    requests_per_second: Annotated[float, Meta(ge=0)] = 50.0
    request_seconds: Annotated[float, Meta(gt=0)] = 20.0
    idle_seconds: Annotated[float, Meta(gt=0)] = 75.0
    body_octets: Annotated[int, Meta(ge=4_096)] = 524_288
    see_other_uri: str = ""
    ping_seconds: Annotated[float, Meta(gt=0)] = 45.0


class Config(Settings, frozen=True):
    """The whole file."""

    bosh: BoshTable = BoshTable()
