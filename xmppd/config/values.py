"""The checks that types can't express, and the values made canonical: paths, domains, JIDs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec import structs

from xmppd.config import keys, text
from xmppd.config.schema import S2S, Config

DELEGATION = "urn:xmpp:delegation:2"
"""What must not be delegated itself (XEP-0355 §6)."""

SOCKET_PATH_MAX = 107
"""Octets in the path of a Unix socket (sun_path of unix(7), less the terminating zero)."""


class Fault(Exception):
    """A key's value can't be used; the loader adds the file and makes a `ConfigError` of it."""

    def __init__(self, key: str, problem: str, remedy: str) -> None:
        super().__init__(key, problem, remedy)
        self.key = key
        self.problem = problem
        self.remedy = remedy


def checked(config: Config, base: Path) -> Config:
    """Return `config` in its canonical form, its paths taken from `base`. Raises `Fault`."""
    config = _paths(_addresses(config), base)
    for check in CHECKS:
        check(config)
    return config


def _each(
    key: str, values: Iterable[str], read: Callable[[str], str], remedy: str
) -> tuple[str, ...]:
    """Read every value of a list in its canonical form; a list names nothing twice."""
    result: list[str] = []
    for value in values:
        try:
            canonical = read(value)
        except ValueError as error:
            raise Fault(key, f'"{value}": {error}', remedy) from None
        if canonical in result:
            raise Fault(key, f'"{value}" is there twice', "Name it once")
        result.append(canonical)
    return tuple(result)


DOMAIN_REMEDY = 'Give a domain name such as "example.org"'
JID_REMEDY = 'Give a bare JID such as "juliet@example.org"'


def _addresses(config: Config) -> Config:
    server, auth = config.server, config.auth
    components = {
        _each(f"components.{_quoted(name)}", [name], text.domain, DOMAIN_REMEDY)[0]: each
        for name, each in config.components.items()
    }
    impersonate = {
        _each("auth.impersonate", [who], text.bare_jid, JID_REMEDY)[0]: _each(
            "auth.impersonate", whom, text.bare_jid, JID_REMEDY
        )
        for who, whom in auth.impersonate.items()
    }
    return structs.replace(
        config,
        server=structs.replace(
            server,
            domains=_each("server.domains", server.domains, text.domain, DOMAIN_REMEDY),
        ),
        auth=structs.replace(
            auth,
            anonymous=_each("auth.anonymous", auth.anonymous, text.domain, DOMAIN_REMEDY),
            impersonate=impersonate,
        ),
        components={
            name: structs.replace(
                each,
                domains=_each(
                    f"components.{_quoted(name)}.domains", each.domains, text.domain, DOMAIN_REMEDY
                ),
            )
            for name, each in components.items()
        },
        s2s=_s2s(config.s2s),
    )


def _s2s(s2s: S2S) -> S2S:
    patterns = 'Give a domain such as "example.org", or "*.example.org" for all below it'
    places = 'Give places such as "tcp:xmpp.example.org:5269" or "tls:[2001:db8::1]:5270"'
    return structs.replace(
        s2s,
        allow=_each("s2s.allow", s2s.allow, text.domains, patterns),
        deny=_each("s2s.deny", s2s.deny, text.domains, patterns),
        resolver=_each(
            "s2s.resolver",
            s2s.resolver,
            text.nameserver,
            'Give addresses such as "192.0.2.53" or "[2001:db8::1]:5353"',
        ),
        domains={
            _each(f"s2s.domains.{_quoted(name)}", [name], text.domains, patterns)[0]: each
            for name, each in s2s.domains.items()
        },
        routes={
            _each(f"s2s.routes.{_quoted(name)}", [name], text.domains, patterns)[0]: _each(
                f"s2s.routes.{_quoted(name)}", each, text.place, places
            )
            for name, each in s2s.routes.items()
        },
    )


def _quoted(name: str) -> str:
    return keys.written((name,))


def places(base: Path, data: str, control: str) -> tuple[str, str]:
    """Where the data directory and the control socket are; "" stands for the default."""
    data = _absolute(base, data or "xmppd-data")
    return data, _absolute(base, control) if control else _absolute(data, "control.sock")


def _paths(config: Config, base: Path) -> Config:
    data, control = places(base, config.server.data, config.listen.control)
    tls = config.tls
    return structs.replace(
        config,
        server=structs.replace(config.server, data=data),
        tls=structs.replace(
            tls,
            certificates=tls.certificates and _absolute(base, tls.certificates),
            client_ca=tls.client_ca and _absolute(base, tls.client_ca),
        ),
        listen=structs.replace(config.listen, control=control),
        s2s=structs.replace(config.s2s, ca=config.s2s.ca and _absolute(base, config.s2s.ca)),
        store=structs.replace(config.store, url=_store_url(config.store.url, data)),
    )


def _absolute(base: Path | str, path: str) -> str:
    return os.path.normpath(os.path.join(base, path))


def _store_url(url: str, data: str) -> str:
    scheme, _, path = url.partition(":")
    if url.startswith(("postgresql://", "postgres://")):
        return url
    if scheme != "sqlite" or not path:
        # Not repeated: what is meant for PostgreSQL may hold a password.
        remedy = 'Give "sqlite:" and a file name, or "postgresql://user:password@host/database"'
        raise Fault("store.url", "names no store", remedy)
    return url if path == ":memory:" else f"sqlite:{_absolute(data, path)}"


def _check_anonymous(config: Config) -> None:
    for domain in config.auth.anonymous:
        if domain not in config.server.domains:
            raise Fault(
                "auth.anonymous",
                f'"{domain}" is no domain of this server',
                "Add it to [server] domains",
            )


def _check_certificates(config: Config) -> None:
    path, user = config.tls.certificates, os.geteuid()
    if path and not os.path.isdir(path):
        raise Fault(
            "tls.certificates",
            f"no directory {path} that user {user} can see",
            "Name the directory that holds the certificates",
        )
    if path and not os.access(path, os.R_OK | os.X_OK):
        raise Fault(
            "tls.certificates",
            f"{path} can't be read by user {user}",
            "Give that user read and search permission on it",
        )


def _check_client_ca(config: Config) -> None:
    path = config.tls.client_ca
    if path and not (os.path.isfile(path) and os.access(path, os.R_OK)):
        raise Fault(
            "tls.client_ca",
            f"no file {path} that user {os.geteuid()} can read",
            "Name a PEM file with the certificates of the authorities",
        )


def _check_authorities(config: Config) -> None:
    path = config.s2s.ca
    if path and not (os.path.isfile(path) and os.access(path, os.R_OK)):
        raise Fault(
            "s2s.ca",
            f"no file {path} that user {os.geteuid()} can read",
            "Name a PEM file with the certificates of the authorities, or leave it out",
        )


LISTENERS = ("c2s", "c2s_tls", "s2s", "s2s_tls", "component", "component_tls")
"""The keys of `[listen]` that are lists of endpoints."""


def _check_listen(config: Config) -> None:
    seen: dict[str, str] = {}
    for key in LISTENERS:
        dotted, values = f"listen.{key}", getattr(config.listen, key)
        _each(dotted, values, text.endpoint, 'Give a Twisted endpoint such as "tcp:5222"')
        for value in values:
            if value in seen:
                raise Fault(
                    dotted,
                    f'"{value}" is in {seen[value]} too',
                    "Give each listener a port of its own",
                )
        # Port 0 is whichever is free: two of them are two ports.
        seen |= {value: key for value in values if not value.startswith("tcp:0")}


def _check_components(config: Config) -> None:
    holders: dict[tuple[str, str], str] = {}
    for name, component in config.components.items():
        table = f"components.{_quoted(name)}"
        if name in config.server.domains:
            raise Fault(table, "a domain of the server itself", "Give the component its own")
        for domain in component.domains:
            if domain not in config.server.domains:
                raise Fault(
                    f"{table}.domains",
                    f'"{domain}" is no domain of this server',
                    "Add it to [server] domains",
                )
        if component.tunnel and component.instances > 1:
            raise Fault(
                f"{table}.tunnel",
                "its sessions live in one process, and instances says that there are more",
                "Leave instances out, and give each gateway a domain of its own",
            )
        if component.presence == "roster" and component.roster not in ("get", "both"):
            raise Fault(
                f"{table}.presence",
                '"roster" is for who may read rosters (XEP-0356 §7.2)',
                'Set roster to "get" or "both" as well',
            )
        for namespace in component.delegation:
            if namespace == DELEGATION or not namespace:
                raise Fault(
                    f"{table}.delegation", f'"{namespace}" can\'t be delegated', "Leave it out"
                )
            for domain in component.domains or config.server.domains:
                holder = holders.setdefault((domain, namespace), name)
                if holder != name:
                    raise Fault(
                        f"{table}.delegation",
                        f'"{namespace}" is delegated to {holder} at {domain}',
                        "Delegate it to one of them",
                    )


def _check_control(config: Config) -> None:
    size = len(os.fsencode(config.listen.control))
    if size > SOCKET_PATH_MAX:
        raise Fault(
            "listen.control",
            f"{config.listen.control} has {size} octets, a Unix socket's path at most "
            f"{SOCKET_PATH_MAX}",
            "Name a shorter path, for example below /run",
        )


def _check_limits(config: Config) -> None:
    limits = config.limits
    pairs = (
        ("stanza_bytes_unauthenticated", "stanza_bytes"),
        ("tag_bytes", "stanza_bytes_unauthenticated"),
    )
    for smaller, larger in pairs:
        if getattr(limits, smaller) > getattr(limits, larger):
            raise Fault(
                f"limits.{smaller}", f"more than [limits] {larger}", "Lower it, or raise that"
            )


def _check_mechanisms(config: Config) -> None:
    _each("auth.mechanisms", config.auth.mechanisms, str, "")
    if not config.auth.mechanisms and not config.auth.anonymous:
        raise Fault("auth.mechanisms", "nobody could log in", "List at least one mechanism")


def _check_contact(config: Config) -> None:
    for kind in config.contact.__struct_fields__:
        _each(
            f"contact.{kind}",
            getattr(config.contact, kind),
            text.contact,
            'Give a URI such as "mailto:abuse@example.org"',
        )


CHECKS: tuple[Callable[[Config], None], ...] = (
    _check_anonymous,
    _check_certificates,
    _check_client_ca,
    _check_authorities,
    _check_listen,
    _check_components,
    _check_control,
    _check_limits,
    _check_mechanisms,
    _check_contact,
)
"""Run in this order on a configuration whose paths and addresses are canonical already."""
