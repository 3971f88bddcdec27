"""xmppd itself, as a process that talks to other servers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.support.federation import PEOPLE, PLAIN, TOLERATED, Federated
from tests.support.peers import Peer
from tests.support.process import READY, RunningServer, write_config
from tests.support.server import PASSWORD, condition

REGISTER = (
    "<query xmlns='jabber:iq:register'>"
    "<username>{person}</username><password>{password}</password></query>"
)


class FederatedXmppd(Federated):
    """xmppd with its bundled components."""

    name = "xmppd"
    conference = "conference"
    process: RunningServer
    s2s_settings: Mapping[str, Any] = {}
    """What its [s2s] has besides."""

    def services(self) -> tuple[str, ...]:
        return (self.rooms, f"pubsub.{self.domain}")

    def configure(self) -> None:
        self.write_papers(self.home / "certs")
        names = self.internet.names
        tables: dict[str, Mapping[str, Any]] = {
            "server": {"domains": list(self.kinds), "data": "data"},
            "tls": {"certificates": "certs"},
            "listen": {
                "c2s": [f"tcp:{self.c2s}:interface=127.0.0.1"],
                "c2s_tls": [],
                "s2s": [f"tcp:{self.s2s}:interface={self.address}"],
                "s2s_tls": [f"tcp:{self.s2s_tls}:interface={self.address}"],
            },
            "bundled": {"start": True, "off": ["bosh"]},
            "bundled.settings.muc": {"create": "everybody"},
            "registration": {"policy": "loopback", "per_address": 1_000},
            "s2s": {
                "ca": str(self.authority),
                "resolver": [f"{names.host}:{names.port}"],
                "this_host": True,
                "retry_seconds": 1,
                **self.s2s_settings,
            },
            f's2s.domains."*.{TOLERATED}"': {"require": "dialback"},
            f's2s.domains."*.{PLAIN}"': {"require": "none"},
            "log": {"level": "debug"},
        }
        self.config = write_config(self.home, _toml(tables))
        self._registered = False

    def start(self) -> None:
        self.process = RunningServer(self.home, self.config)
        self.process.wait_for(READY)
        for service in self.services():
            self.process.wait_for(f"component {service} is connected")
        self.listens()
        if not self._registered:
            self._register()

    def _register(self) -> None:
        """Have everybody make an account, as clients do (XEP-0077): that is quick."""
        for domain in self.kinds:
            for person in PEOPLE:
                with Peer(self.c2s, domain) as peer:
                    peer.open()
                    answer = peer.ask(REGISTER.format(person=person, password=PASSWORD), "set")
                    assert answer.get("type") == "result", condition(answer)
        self._registered = True

    def stop(self) -> None:
        """Stop it, and leave what it said where it can be read when a test has failed."""
        super().stop()
        with (self.home / "xmppd.log").open("a") as log:
            log.write(self.process.output)

    @property
    def log(self) -> str:
        return self.process.output


def _toml(tables: Mapping[str, Mapping[str, Any]]) -> str:
    lines: list[str] = []
    for table, content in tables.items():
        lines += [f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in content.items())]
    return "\n".join([*lines, ""])
