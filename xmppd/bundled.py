"""The components that come with the server, and which of them a configuration leaves to it.

They are known here by name only: each is a program of its own, `twistd xmppd-NAME`. Whoever
configures a component for the same domain or namespace has that one, and the bundled one stays out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple

from msgspec import structs

from xmppd.config import Component, Config
from xmppd.config.values import SOCKET_PATH_MAX
from xmppd.errors import ConfigError

KEY = "bundled"
"""How the log and `status` call the socket that they connect to."""


class Secrets(dict[str, str]):
    """What each of them proves that it knows, by name: made when it is first needed."""

    def __missing__(self, name: str) -> str:
        made = self[name] = token_hex(24)
        return made


class Bundled(NamedTuple):
    """A component: its name, its place below the server's first domain, and what it is granted.

    `grants` are keys of its table, as in `[components]`. `guests` says whether they hold at domains
    of guests, too ([auth] anonymous): not for what keeps something of users, since it would outlive
    a guest. To such a component a guest is no user of the server either.
    """

    name: str
    subdomain: str
    grants: Mapping[str, Any] = {}
    guests: bool = True

    @property
    def plugin(self) -> str:
        """What twistd calls it."""
        return f"xmppd-{self.name}"


BUNDLED: tuple[Bundled, ...] = (
    Bundled(
        "vcard",
        "vcard",
        {
            "delegation": {"vcard-temp": (), "urn:ietf:params:xml:ns:vcard-4.0": ()},
            "iq": {"http://jabber.org/protocol/pubsub": "set"},
        },
        guests=False,
    ),
    Bundled("muc", "conference", {"multicast": 1000, "accounts": True}),
    Bundled(
        "pubsub",
        "pubsub",
        {
            "delegation": {
                "http://jabber.org/protocol/pubsub": (),
                "http://jabber.org/protocol/pubsub#owner": (),
                "jabber:iq:private": (),
                "urn:xmpp:delegation:2:bare:disco#info:*": (),
                "urn:xmpp:delegation:2:bare:disco#items:*": (),
            },
            "roster": "get",
            "presence": "roster",
            "interests": True,
            "message": "outgoing",
            "iq": {"jabber:iq:private": "both"},
            "multicast": 1000,
        },
        guests=False,
    ),
    Bundled("bosh", "http", {"tunnel": True, "tunnel_local": True}),
)
"""Every component that there is a program for."""


class Place(NamedTuple):
    """A bundled component at its domain, and why it is not started there: "" where it is."""

    bundled: Bundled
    domain: str
    unwanted: str = ""
    domains: tuple[str, ...] = ()
    """Those of the server that it is granted something at; () for all."""


def socket_path(config: Config) -> str:
    """The socket that they connect to, in the data directory: no port is open for them."""
    return str(Path(config.server.data) / "components.sock")


def places(config: Config, source: str) -> list[Place]:
    """Each bundled component, and what becomes of it by a configuration.

    Raises ConfigError, naming `source`, for what can't be.
    """
    names = [each.name for each in BUNDLED]
    for key, named in (("off", config.bundled.off), ("settings", config.bundled.settings)):
        for name in named:
            if name not in names:
                problem = f"no bundled component is called {name}"
                remedy = f"There are: {', '.join(names)}"
                raise ConfigError(source, f"bundled.{key}", problem, remedy)
    found = [_place(each, config) for each in BUNDLED]
    size = len(os.fsencode(socket_path(config)))
    if size > SOCKET_PATH_MAX and any(not place.unwanted for place in found):
        problem = f"{socket_path(config)} has {size} octets, a socket's path at most"
        remedy = "Name a shorter directory, or set start = false in [bundled]"
        raise ConfigError(source, "server.data", f"{problem} {SOCKET_PATH_MAX}", remedy)
    return found


def _place(each: Bundled, config: Config) -> Place:
    served, guests = config.server.domains, config.auth.anonymous
    domains = () if each.guests or not guests else tuple(d for d in served if d not in guests)
    domain = f"{each.subdomain}.{(domains or served)[0]}"
    unwanted = _unwanted(each, domain, config)
    if not each.guests and set(served) <= set(guests):
        unwanted = unwanted or "[auth] anonymous has every domain"
    return Place(each, domain, unwanted, domains)


def _unwanted(each: Bundled, domain: str, config: Config) -> str:
    if not config.bundled.start:
        return "[bundled] start is false"
    if each.name in config.bundled.off:
        return "[bundled] off names it"
    if domain in config.server.domains:
        return f"{domain} is a domain of the server itself"
    if domain in config.components:
        return f"[components] has {domain}"
    for name, component in config.components.items():
        for namespace in each.grants.get("delegation", ()):
            if namespace in component.delegation:
                return f"[components] delegates {namespace} to {name}"
    return ""


def extended(config: Config, source: str, secrets: Secrets) -> Config:
    """A configuration with a table for each bundled component that it wants.

    Raises ConfigError as `places` does.
    """
    tables = {
        place.domain: Component(
            secret=secrets[place.bundled.name], domains=place.domains, **place.bundled.grants
        )
        for place in places(config, source)
        if not place.unwanted
    }
    if not tables:
        return config
    return structs.replace(config, components={**config.components, **tables})
