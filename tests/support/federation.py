"""Servers that talk to each other over an `Internet`, each with many domains, each a process.

What is shown and asked stands in the names, so that one process of a kind does for all:

    prosody.lit                        has a good certificate, and all people and rooms
    second.prosody.lit                 another one with a good certificate
    expired.prosody.lit                one that has expired: nobody talks to it
    expired.prosody.tolerated.lit      another, but *.tolerated.lit may prove itself by dialback
    direct.prosody.lit                 a good one; reached by direct TLS only
    prosody.plain.lit                  no TLS at all (a process of its own); dialback will do
    bare.prosody.lit                   no TLS either; nobody talks to it
"""

from __future__ import annotations

import shutil
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from subprocess import TimeoutExpired
from typing import NamedTuple

from tests.support.certificates import chain_pem, key_pem
from tests.support.internet import Internet
from tests.support.papers import BAD, Kind
from tests.support.ports import free_port
from tests.support.process import RunningProcess, until

PEOPLE = ("juliet", "romeo", "nurse")
"""Who has an account at each domain."""

TOLERATED = "tolerated.lit"
PLAIN = "plain.lit"


def bad_domain(name: str, kind: Kind, *, tolerated: bool = False) -> str:
    """The domain of a server that has a certificate of such a kind."""
    return f"{kind}.{name}.{TOLERATED}" if tolerated else f"{kind}.{name}.lit"


def tolerated_domains(name: str) -> list[str]:
    """The domains of a server that others talk to though their certificates are bad."""
    return [bad_domain(name, kind, tolerated=True) for kind in BAD]


class Link(NamedTuple):
    """A stream that its acceptor has, or its opener knows to be, authenticated."""

    opener: str
    acceptor: str
    mechanism: str
    """"EXTERNAL" or "dialback"."""
    secure: bool = True
    """Whether it has TLS."""


class Federated(ABC):
    """A server with the domains of its name, or where it is `plain` one without TLS.

    Clients log in on 127.0.0.1; other servers come to an address of its own.
    """

    name: str
    """What its domains are called by."""
    others: tuple[str, ...] = ("prosody", "ejabberd", "xmppd")
    """Whose tolerated domains it talks to."""
    conference: str = "rooms"
    """The first label of where its rooms are."""

    common_names: bool = False
    """Whether it finds the certificate of a domain by the names that are in it."""

    process: RunningProcess

    def __init__(self, internet: Internet, home: Path, *, plain: bool = False) -> None:
        self.internet = internet
        self.home = home
        self.plain = plain
        self.authority = internet.authority
        self.domain = f"{self.name}.{PLAIN}" if plain else f"{self.name}.lit"
        self.rooms = f"{self.conference}.{self.domain}"
        self.direct = f"direct.{self.domain}"
        self.second = f"second.{self.domain}"
        self.bare = f"bare.{self.name}.lit"
        self.kinds = self._kinds()
        self.address = internet.address()
        self.s2s, self.s2s_tls = free_port(self.address), free_port(self.address)
        self.c2s = self.c2s_tls = free_port()
        home.mkdir(parents=True, exist_ok=True)
        for domain in (*self.kinds, *self.services()):
            internet.publish(domain, self.address, self.s2s)
        if not plain:
            internet.publish(self.direct, self.address, 0, self.s2s_tls)
        self.configure()

    def _kinds(self) -> Mapping[str, Kind]:
        """The certificates of the server's domains."""
        if self.plain:
            return {self.domain: "good", self.bare: "good"}
        both = [(kind, tolerated) for kind in BAD for tolerated in (False, True)]
        bad = {bad_domain(self.name, kind, tolerated=yes): kind for kind, yes in both}
        return {self.domain: "good", self.second: "good", self.direct: "good", **bad}

    def services(self) -> tuple[str, ...]:
        """The domains below the first one that are services."""
        return (self.rooms,)

    def write_papers(self, directory: Path) -> None:
        """Write the certificates of all domains: DOMAIN.crt, DOMAIN.key, and both in DOMAIN.pem."""
        directory.mkdir(exist_ok=True)
        for domain, kind in {**self.kinds, **dict.fromkeys(self.services(), "good")}.items():
            pair = self.internet.papers.issue(kind, domain, common_name=self.common_names)
            certificate, key = chain_pem(pair), key_pem(pair)
            (directory / f"{domain}.crt").write_bytes(certificate)
            (directory / f"{domain}.key").write_bytes(key)
            (directory / f"{domain}.pem").write_bytes(key + certificate)

    @abstractmethod
    def configure(self) -> None:
        """Write all that the server reads."""

    @abstractmethod
    def start(self) -> None:
        """Start the process; it listens when this returns."""

    def stop(self) -> None:
        """Stop the process as an operator does; what it stores stays."""
        try:
            self.process.stop()
        except TimeoutExpired:
            self.process.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def listens(self) -> None:
        """Wait until clients and servers can connect."""
        until(lambda: _reachable("127.0.0.1", self.c2s) and _reachable(self.address, self.s2s))

    @property
    @abstractmethod
    def log(self) -> str:
        """What the server has written down of itself so far."""


class Foreign(Federated):
    """A server of another make, which tells what it knows of its streams."""

    @abstractmethod
    def links(self) -> set[Link]:
        """The streams with other servers that it has had so far, by its own log."""

    def has_had(self, *links: Link) -> bool:
        """Whether it has had these, of which it may write a moment later."""
        with suppress(AssertionError):
            until(lambda: self.links() >= set(links), within=20)
        return self.links() >= set(links)


def _reachable(address: str, port: int) -> bool:
    with closing(socket.socket()) as sock:
        return sock.connect_ex((address, port)) == 0


def missing(*programs: str) -> str:
    """Which of these is not installed; "" if all are."""
    return next((program for program in programs if shutil.which(program) is None), "")


@contextmanager
def serving(server: Federated) -> Iterator[None]:
    """Have a server run, until it is stopped at the end."""
    server.start()
    try:
        yield
    finally:
        server.stop()
