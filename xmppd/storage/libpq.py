"""The url of a PostgreSQL database: what libpq makes of it, and what may be told of it.

A url may hold a password, and a password that was not percent-encoded ends up in any part of
it; so nothing of a url that is not plainly right is ever repeated.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Thread

import psycopg2
import psycopg2.extensions
from twisted.internet.defer import Deferred, succeed

from xmppd.errors import ConfigError
from xmppd.storage.work_queue import StoreReactor

FORM = "postgresql://user:password@host:port/database"
REMEDY = f'Write "{FORM}", with each of @ : / ? # % in the password percent-encoded'

DEFAULTS = {
    "application_name": "xmppd",
    "client_encoding": "UTF8",
    # How soon a peer that is gone without a word is noticed: seconds, and milliseconds.
    "keepalives_idle": "20",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    # libpq would block the process while it gets a Kerberos ticket.
    "gssencmode": "disable",
}
"""What a connection gets where the url says nothing else."""


@dataclass(frozen=True, slots=True)
class Target:
    """A database and how to get there; `options` are libpq's, by keyword."""

    options: Mapping[str, str]

    def __str__(self) -> str:
        """Name the database; without the password."""
        given = self.options
        user = f"{given['user']}@" if "user" in given else ""
        port = f":{given['port']}" if "port" in given else ""
        host = given.get("host", given.get("hostaddr", ""))
        return f"postgresql://{user}{host}{port}/{given.get('dbname', '')}"

    def words_of(self, error: BaseException) -> str:
        """What libpq or the server said, on one line, without the password."""
        words = " ".join(str(error).split()) or type(error).__name__
        password = self.options.get("password")
        return words.replace(password, "…") if password else words


def read_url(url: str, source: str) -> Target:
    """Read a url as libpq does; raises ConfigError where it can't be one."""
    remedy = ConfigError(source, "[store] url", "not the url of a PostgreSQL database", REMEDY)
    authority, _, path = url.partition("://")[2].partition("?")[0].partition("/")
    if "@" in path or authority.count("@") > 1:
        raise remedy
    try:
        given = psycopg2.extensions.parse_dsn(url)
    except psycopg2.Error:
        raise remedy from None
    ports = given.get("port", "").split(",")
    if not all(port == "" or (port.isascii() and port.isdigit()) for port in ports):
        raise remedy
    return Target({**DEFAULTS, **given})


def resolved(target: Target, reactor: StoreReactor) -> Deferred[Mapping[str, str]]:
    """The options with the addresses of every host that is a name, looked up in a thread.

    libpq would look them up too, and everything else would wait meanwhile. A name that can't be
    found is left to libpq, whose error tells of it.
    """
    options = target.options
    hosts = options.get("host", os.environ.get("PGHOST", "")).split(",")
    ports = options.get("port", os.environ.get("PGPORT", "5432")).split(",")
    local = any(not host or host.startswith(("/", "@")) for host in hosts)
    if local or "hostaddr" in options or "PGHOSTADDR" in os.environ:
        return succeed(options)
    done: Deferred[Mapping[str, str]] = Deferred()

    def look_up() -> None:
        reactor.callFromThread(done.callback, {**options, **_addresses(hosts, ports)})

    Thread(target=look_up, name="xmppd store resolver", daemon=True).start()
    return done


def _addresses(hosts: Sequence[str], ports: Sequence[str]) -> Mapping[str, str]:
    """The options host, hostaddr and port with an entry for each address of each host."""
    found = []
    for number, host in enumerate(hosts):
        port = ports[number] if len(ports) > 1 else ports[0]
        try:
            answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError:
            return {}
        found += [(host, str(answer[4][0]), port) for answer in answers]
    return {
        name: ",".join(column)
        for name, column in zip(("host", "hostaddr", "port"), zip(*found, strict=True), strict=True)
    }
