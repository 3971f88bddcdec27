"""What the configuration may say: one Struct per table of the TOML file.

The defaults here are those of a configuration file; `xmppd.config.load(None)` puts the gentler
ones of a server on localhost over them. Every key is explained in `etc/xmppd.toml`, and the
range in a field's annotation is what the loader checks.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, get_args

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=1)]
"""A number of things, at least one."""
CountOrOff = Annotated[int, Meta(ge=0)]
"""A number of things; 0 means no limit."""
Seconds = Annotated[int, Meta(ge=1, le=86_400)]
"""A duration of up to a day."""
SecondsOrOff = Annotated[int, Meta(ge=0, le=86_400)]
"""A duration of up to a day; 0 switches it off."""

Scalar: TypeAlias = bool | int | float | str
Value: TypeAlias = Scalar | tuple[Scalar, ...]
"""What a key of a program holds whose keys are not known here."""

Mechanism = Literal[
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-1",
    "PLAIN",
    "EXTERNAL",
]
"""The SASL mechanisms that `[auth] mechanisms` may list; the others have switches of their own."""


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the file: immutable, and a key that is no field of it is a fault."""


class Server(Table, frozen=True):
    """`[server]`: what this server is. Domains are lower case, IDNs as U-labels."""

    domains: Annotated[tuple[str, ...], Meta(min_length=1)] = ("localhost",)
    data: str = "xmppd-data"
    resource_conflict: Literal["replace", "refuse", "rename"] = "replace"


class TLS(Table, frozen=True):
    """`[tls]`: certificates and what the handshake accepts."""

    certificates: str = ""
    client_ca: str = ""
    require: Literal["auto"] | bool = "auto"
    minimum: Literal["1.2", "1.3"] = "1.2"
    ciphers: str = "ECDHE+AESGCM:ECDHE+CHACHA20"


class Listen(Table, frozen=True):
    """`[listen]`: Twisted endpoint descriptions, and the control socket's path."""

    c2s: tuple[str, ...] = ("tcp:5222",)
    c2s_tls: tuple[str, ...] = ("tcp:5223",)
    s2s: tuple[str, ...] = ("tcp:5269",)
    s2s_tls: tuple[str, ...] = ("tcp:5270",)
    component: tuple[str, ...] = ("tcp:5347:interface=127.0.0.1",)
    component_tls: tuple[str, ...] = ()
    control: str = ""


class Store(Table, frozen=True):
    """`[store]`: where accounts and everything durable live."""

    url: str = "sqlite:xmppd.db"
    queue: Count = 10_000
    wait_seconds: Seconds = 10
    connections: Annotated[int, Meta(ge=2, le=100)] = 4


class Auth(Table, frozen=True):
    """`[auth]`: how clients prove who they are."""

    mechanisms: tuple[Mechanism, ...] = get_args(Mechanism)
    iterations: Annotated[int, Meta(ge=10_000, le=10_000_000)] = 10_000
    anonymous: tuple[str, ...] = ()
    digest_md5: bool = False
    legacy: bool = False
    email_certificates: bool = False
    plain_without_tls: Literal["never", "loopback", "always"] = "loopback"
    impersonate: dict[str, tuple[str, ...]] = {}
    max_attempts: Annotated[int, Meta(ge=1, le=100)] = 3


class Registration(Table, frozen=True):
    """`[registration]`: accounts that clients make for themselves (XEP-0077)."""

    policy: Literal["off", "loopback", "on"] = "off"
    per_address: Count = 5
    per_seconds: Seconds = 600
    min_password: Annotated[int, Meta(ge=1, le=256)] = 8


class Roster(Table, frozen=True):
    """`[roster]`: contacts of the users (RFC 6121 §2, §3)."""

    items: Annotated[int, Meta(ge=1, le=100_000)] = 10_000
    octets: Annotated[int, Meta(ge=1_024)] = 2_097_152
    requests: Count = 200


class Private(Table, frozen=True):
    """`[private]`: private XML (XEP-0049). `elements` and `octets` are of one account."""

    elements: Annotated[int, Meta(ge=1, le=100_000)] = 500
    element_octets: Annotated[int, Meta(ge=1_024)] = 262_144
    octets: Annotated[int, Meta(ge=1_024)] = 1_048_576


class Offline(Table, frozen=True):
    """`[offline]`: messages that wait for an account (XEP-0160). Octets are of one account."""

    messages: CountOrOff = 1_000
    octets: Annotated[int, Meta(ge=65_536)] = 16_777_216


class Privacy(Table, frozen=True):
    """`[privacy]`: privacy lists (XEP-0016) and what is blocked (XEP-0191), of one account."""

    lists: Annotated[int, Meta(ge=1, le=1_000)] = 20
    items: Annotated[int, Meta(ge=1, le=10_000)] = 1_000


class Multicast(Table, frozen=True):
    """`[multicast]`: stanzas that users send to many at once (XEP-0033)."""

    users: bool = True
    addresses: Annotated[int, Meta(ge=1, le=1_000)] = 50


class Capabilities(Table, frozen=True):
    """`[capabilities]`: what clients can do, by the hash they go by (XEP-0115)."""

    remembered: Annotated[int, Meta(ge=1, le=100_000)] = 1_000


class StreamManagement(Table, frozen=True):
    """`[stream_management]`: XEP-0198; `queue` and `octets` are of one session."""

    hibernate_seconds: SecondsOrOff = 600
    queue: Annotated[int, Meta(ge=10)] = 5_000
    octets: Annotated[int, Meta(ge=65_536)] = 4_194_304


ANSWERED = 3
"""How much longer than `tag_bytes` a start tag may be after login."""


class Limits(Table, frozen=True):
    """`[limits]`: what one peer, and all of them together, may take. Sizes are in octets."""

    stanza_bytes: Annotated[int, Meta(ge=10_000, le=67_108_864)] = 262_144
    stanza_bytes_unauthenticated: Annotated[int, Meta(ge=4_096)] = 16_384
    tag_bytes: Annotated[int, Meta(ge=1_024)] = 8_192
    depth: Annotated[int, Meta(ge=8, le=1_000)] = 64
    attributes: Annotated[int, Meta(ge=8, le=1_000)] = 64
    connections_per_address: CountOrOff = 200
    unauthenticated: CountOrOff = 1_000
    unauthenticated_per_address: CountOrOff = 50
    negotiation_seconds: Seconds = 60
    idle_seconds: SecondsOrOff = 1_800
    dead_seconds: Seconds = 120
    write_buffer_bytes: Annotated[int, Meta(ge=65_536)] = 1_048_576
    read_rate: CountOrOff = 0
    read_burst: Annotated[int, Meta(ge=4_096)] = 262_144
    resources: Count = 16

    @property
    def tag(self) -> int:
        """The longest start tag after login.

        An answer repeats the id and both addresses of what it answers, and each quotation mark in
        them may have become a reference of six octets, which its sender can do nothing about.
        """
        return min(ANSWERED * self.tag_bytes, self.stanza_bytes)


Proof = Literal["certificate", "dialback", "none"]
"""What another server has to show for itself: a certificate of its domain, its domain's word over
TLS (XEP-0220), or that word without TLS."""


class S2SDomain(Table, frozen=True):
    """`[s2s.domains."DOMAIN"]`: what holds for one other domain instead."""

    require: Proof


class S2S(Table, frozen=True):
    """`[s2s]`: other servers. `queue` and `octets` are of one domain pair."""

    enabled: bool = True
    require: Proof = "certificate"
    ca: str = ""
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    bidirectional: bool = True
    secret: str = ""
    resolver: tuple[str, ...] = ()
    this_host: bool = False
    dns_seconds: Seconds = 10
    connect_seconds: Seconds = 10
    attempt_seconds: Seconds = 60
    retry_seconds: Seconds = 300
    idle_seconds: SecondsOrOff = 600
    resume_seconds: SecondsOrOff = 120
    queue: Count = 1_000
    octets: Annotated[int, Meta(ge=65_536)] = 4_194_304
    attempts: Count = 1_000
    connections_per_address: CountOrOff = 500
    read_rate: CountOrOff = 0
    read_burst: Annotated[int, Meta(ge=4_096)] = 1_048_576
    domains: dict[str, S2SDomain] = {}
    routes: dict[str, tuple[str, ...]] = {}


class Compression(Table, frozen=True):
    """`[compression]`: XEP-0138 stream compression."""

    enabled: bool = False
    ratio: Annotated[int, Meta(ge=10, le=1_000)] = 100
    inflated_bytes: Annotated[int, Meta(ge=65_536)] = 1_048_576


class Contact(Table, frozen=True):
    """`[contact]`: whom to turn to, as URIs (XEP-0157 §2)."""

    abuse: tuple[str, ...] = ()
    admin: tuple[str, ...] = ()
    feedback: tuple[str, ...] = ()
    sales: tuple[str, ...] = ()
    security: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    support: tuple[str, ...] = ()


class Log(Table, frozen=True):
    """`[log]`: what is written to standard output."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warn", "error"] = "info"


class Component(Table, frozen=True):
    """`[components."DOMAIN"]`: a component that may connect (XEP-0114), and what it is granted.

    `domains` are those of the server that the grants are for, all of them if there are none.
    """

    secret: Annotated[str, Meta(min_length=8)]
    conflict: Literal["replace", "refuse"] = "replace"
    instances: Annotated[int, Meta(ge=1, le=64)] = 1
    route_by: Literal["to", "from", "node"] = "to"
    queue_octets: Annotated[int, Meta(ge=1_048_576)] = 8_388_608
    spool_seconds: SecondsOrOff = 600
    spool_octets: Annotated[int, Meta(ge=65_536)] = 8_388_608
    domains: tuple[str, ...] = ()
    multicast: Annotated[int, Meta(ge=0, le=100_000)] = 0
    tunnel: bool = False
    tunnel_local: bool = False
    accounts: bool = False
    roster: Literal["none", "get", "set", "both"] = "none"
    roster_push: bool = True
    message: Literal["none", "outgoing"] = "none"
    presence: Literal["none", "managed_entity", "roster"] = "none"
    interests: bool = False
    iq: dict[str, Literal["get", "set", "both"]] = {}
    delegation: dict[str, tuple[str, ...]] = {}


class Bundled(Table, frozen=True):
    """`[bundled]`: the components that come with the server, run as its child processes.

    `settings` has by name what the component's own table is to say, which is named like it, and
    tables in that.
    """

    start: bool = True
    off: tuple[str, ...] = ()
    settings: dict[str, dict[str, Value | dict[str, Value]]] = {}


class Modules(Table, frozen=True):
    """`[modules]`: which of the server's modules stay out."""

    off: tuple[str, ...] = ()


class Config(Table, frozen=True):
    """The whole configuration, checked, with every path absolute once it has been loaded."""

    server: Server = Server()
    tls: TLS = TLS()
    listen: Listen = Listen()
    store: Store = Store()
    auth: Auth = Auth()
    registration: Registration = Registration()
    roster: Roster = Roster()
    private: Private = Private()
    offline: Offline = Offline()
    privacy: Privacy = Privacy()
    multicast: Multicast = Multicast()
    capabilities: Capabilities = Capabilities()
    stream_management: StreamManagement = StreamManagement()
    limits: Limits = Limits()
    s2s: S2S = S2S()
    compression: Compression = Compression()
    contact: Contact = Contact()
    log: Log = Log()
    modules: Modules = Modules()
    bundled: Bundled = Bundled()
    components: dict[str, Component] = {}
