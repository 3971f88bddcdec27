"""A real Prosody that talks to other servers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.support.federation import PEOPLE, Foreign, Link, missing, tolerated_domains
from tests.support.process import RunningProcess
from tests.support.server import PASSWORD

CONFIG = """\
run_as_root = true
data_path = "{home}/data"
pidfile = "{home}/prosody.pid"
log = {{ {{ levels = {{ min = "debug" }}, to = "file", filename = "{home}/prosody.log" }} }}
network_backend = "epoll"
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s} }}
c2s_direct_tls_ports = {{ }}
s2s_interfaces = {{ "{address}" }}
s2s_ports = {{ {s2s} }}
s2s_direct_tls_interfaces = {{ "{address}" }}
s2s_direct_tls_ports = {{ {s2s_tls} }}
s2s_require_encryption = {encrypted}
s2s_secure_auth = {encrypted}
s2s_insecure_domains = {{ {tolerated} }}
s2s_timeout = 20
unbound = {{
    resolvconf = false, hoststxt = false,
    forward = {{ "{names}" }},
    options = {{ ["do-not-query-localhost:"] = "no", ["cache-max-ttl:"] = "0" }},
}}
use_ipv6 = false
certificates = "{home}/certs"
ssl = {{ cafile = "{authority}" }}
authentication = "internal_plain"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
modules_enabled = {{
    "blocklist", "dialback", "disco", "offline", "pep", "ping", "roster", "saslauth", "s2s",
    "smacks", "vcard", "version"{modules}
}}
"""
ROOMS = """\
Component "{domain}" "muc"
    restrict_room_creation = false
    muc_room_default_public = true
"""
HOST = """\
VirtualHost "{domain}"
"""
PAPERS = """\
    ssl = {{
        certificate = "{home}/certs/{domain}.crt", key = "{home}/certs/{domain}.key",
        cafile = "{authority}",
    }}
"""
"""Also of the rooms: they would show the certificate of the domain that they are below."""

TIMESTAMP = len("Nov 30 15:11:23 ")
DIALBACK = "dialback"
EXTERNAL = re.compile(r"Accepting SASL EXTERNAL identity|SASL EXTERNAL with \S+ succeeded")
AUTHENTICATED = re.compile(r"connection (\S+)->(\S+) is now authenticated for (\S+)")


def absence_of_prosody() -> str:
    """What is not installed; "" if all is."""
    if absent := missing("prosody"):
        return f"{absent} is not installed (apt-get install prosody)"
    if not any(Path("/usr/lib").glob("*/lua/*/lunbound.so")):
        return "Prosody can't ask the test's name server (apt-get install lua-unbound)"
    return ""


class FederatedProsody(Foreign):
    """Prosody with rooms, personal nodes, and what else is asked across servers."""

    name = "prosody"
    modules: tuple[str, ...] = ()
    """What it has besides."""

    def configure(self) -> None:
        self.write_papers(self.home / "certs")
        for domain in self.kinds:
            self._accounts(domain)
        modules = self.modules if self.plain else ("tls", *self.modules)
        names = self.internet.names
        settings = {
            "home": self.home,
            "authority": self.authority,
            "address": self.address,
            "c2s": self.c2s,
            "s2s": self.s2s,
            "s2s_tls": "" if self.plain else self.s2s_tls,
            "names": f"{names.host}@{names.port}",
            "encrypted": "false" if self.plain else "true",
            "tolerated": _listed(d for name in self.others for d in tolerated_domains(name)),
            "modules": "".join(f', "{module}"' for module in modules),
        }
        hosts = {self.rooms: ROOMS, **dict.fromkeys(self.kinds, HOST)}
        sections = [
            (text + PAPERS).format(domain=domain, home=self.home, authority=self.authority)
            for domain, text in hosts.items()
        ]
        self._config = self.home / "prosody.cfg.lua"
        self._config.write_text(CONFIG.format(**settings) + "".join(sections))

    def _accounts(self, domain: str) -> None:
        escaped = "".join(c if c.isalnum() else f"%{ord(c):02x}" for c in domain)
        directory = self.home / "data" / escaped / "accounts"
        directory.mkdir(parents=True)
        for person in PEOPLE:
            (directory / f"{person}.dat").write_text(f'return {{ ["password"] = "{PASSWORD}" }};')

    def start(self) -> None:
        command = [shutil.which("prosody") or "", "-F", "--config", str(self._config)]
        self.process = RunningProcess(command, self.home)
        self.listens()

    @property
    def log(self) -> str:
        return (self.home / "prosody.log").read_text()

    def links(self) -> set[Link]:
        """Each stream is one logger, and one that has TLS says so before."""
        found, secure, mechanism = set(), set(), DIALBACK
        for line in self.log.splitlines():
            stream = line[TIMESTAMP:].partition("\t")[0]
            if "\tStream encrypted" in line:
                secure.add(stream)
            elif EXTERNAL.search(line):
                mechanism = "EXTERNAL"
            elif match := AUTHENTICATED.search(line):
                opener = match[3] if stream.startswith("s2sin") else match[1]
                found.add(Link(opener, match[2], mechanism, stream in secure))
                mechanism = DIALBACK
        return found


class BidirectionalProsody(FederatedProsody):
    """One that has stanzas go both ways on one stream (XEP-0288)."""

    name = "bidirectional"
    modules = ("s2s_bidi",)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
