"""The small languages inside configuration strings: domains, JIDs, endpoints, contact URIs.

Each function returns the canonical form or raises ValueError, whose text completes
`"the value": …`. Twisted is not asked: it would have to be imported, and a leaf has none; the
endpoints are parsed once more, in full, when the listeners open.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from xmppd.domainpart import domain_to_ascii, prepare_domain
from xmppd.jid import JID

CONTACT = re.compile(r"(?:mailto:[^@\s]+@\S+|xmpp:\S+|https?://\S+)")
"""The URIs of use in XEP-0157 contact addresses."""


def domain(value: str) -> str:
    """A domain as JIDs have it: lower case, no final dot, IDNs as U-labels (RFC 6122 §2.2)."""
    if value.startswith("["):
        raise ValueError("an IPv6 address is no domain that can be served")
    domain_to_ascii(value)  # also refuses what is too long for the DNS
    return prepare_domain(value)


def domains(value: str) -> str:
    """A domain, or "*." before one for all below it."""
    below = value.startswith("*.")
    return ("*." if below else "") + domain(value[2:] if below else value)


def place(value: str) -> str:
    """`tcp:HOST:PORT`, or `tls:` for TLS from the first octet; an IPv6 address in brackets."""
    kind, _, rest = value.partition(":")
    host, _, port = rest.rpartition(":")
    if kind not in ("tcp", "tls") or not host:
        raise ValueError("not of the form tcp:host:port or tls:host:port")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{port or 'nothing'} is no port number")
    if host.startswith("["):
        ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]"))
    else:
        domain_to_ascii(host)
    return value


def nameserver(value: str) -> str:
    """An IP address, or `ADDRESS:PORT`; an IPv6 address with a port stands in brackets."""
    host, port = value, "53"
    if value.startswith("[") or value.count(":") == 1:
        host, _, port = value.rpartition(":")
    ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{port or 'nothing'} is no port number")
    return value


def bare_jid(value: str) -> JID:
    """`local@domain`, prepared (RFC 6122 §2)."""
    jid = JID.parse(value)
    if not jid.local or not jid.is_bare:
        raise ValueError("no address of the form local@domain")
    return jid


def contact(value: str) -> str:
    """A mailto:, xmpp:, http: or https: URI, as it is."""
    if not CONTACT.fullmatch(value):
        raise ValueError("no mailto:, xmpp: or https: URI")
    return value


def endpoint(value: str) -> str:
    """A Twisted server endpoint description, as it is; its kind's arguments if well known."""
    kind, *parts = re.split(r"(?<!\\):", value)
    if not re.fullmatch(r"[a-z][a-z0-9]*", kind) or not parts:
        raise ValueError("no endpoint of the form kind:arguments")
    if kind in ("ssl", "tls"):
        raise ValueError("TLS is the server's own part")
    if check := ENDPOINTS.get(kind):
        named = {"": ""}
        plain = []
        for part in parts:
            name, equals, content = part.partition("=")
            if equals:
                named[name] = re.sub(r"\\(.)", r"\1", content)
            else:
                plain.append(part)
        check(plain, named)
    return value


def _tcp(plain: list[str], named: dict[str, str]) -> None:
    for name in named.keys() - {"", "port", "interface", "backlog"}:
        raise ValueError(f"tcp takes no {name}=")
    port = plain[0] if plain else named.get("port", "")
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError(f"{port or 'nothing'} is no port number")
    if interface := (plain[1] if len(plain) > 1 else named.get("interface", "")):
        ipaddress.ip_address(interface)


def _unix(plain: list[str], named: dict[str, str]) -> None:
    if not (plain and plain[0]) and not named.get("address"):
        raise ValueError("unix takes a path")


ENDPOINTS: dict[str, Callable[[list[str], dict[str, str]], None]] = {
    "tcp": _tcp,
    "tcp6": _tcp,
    "unix": _unix,
}
"""The kinds whose arguments are checked here; a plugin may add kinds that nobody here knows."""
