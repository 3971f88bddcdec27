"""The bundled components as child processes of the server: what each is started with, and where.

What they connect to is a socket in the data directory; what they prove is a secret that is made
anew with each server, and handed to them in the environment.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import quoteStringArgument
from twisted.logger import Logger

from xmppd.admin.files import write_private
from xmppd.admin.operated import Outcome
from xmppd.bundled import Bundled, Place, Secrets, extended, places, socket_path
from xmppd.config import Config, keys
from xmppd.process.child import Child
from xmppd.process.lifeline import SECRET_VARIABLE, TIED_VARIABLE
from xmppd.storage.url import is_postgresql

log = Logger()

TWISTD = "import sys; from twisted.scripts.twistd import run; sys.exit(run())"
"""What the interpreter runs: the twistd that it finds, wherever its script was installed."""

CONNECTIONS = 2
"""Connections to PostgreSQL that each of them holds: one to write, one to read."""

_FILE = """\
# Written by xmppd at each start: changes here are lost. What [{name}] is to say stands in the
# server's own file, as [bundled.settings.{name}].

[component]
domain = {domain}
data = {data}

[core]
endpoint = {endpoint}
server = {servers}

[store]
url = {url}
queue = {queue}
wait_seconds = {wait_seconds}
connections = {connections}

{own}[log]
format = "json"
"""


class Bundle:
    """The bundled components of one server.

    `source` names the configuration, `failing` is told of a domain whose component ends again and
    again, and of its last words.
    """

    def __init__(self, reactor: Any, source: str, failing: Callable[[str, str], object]) -> None:
        self._reactor = reactor
        self._source = source
        self._failing = failing
        self._secrets = Secrets()
        self._children: dict[str, Child] = {}
        self._domains: dict[str, str] = {}
        self._files: dict[str, str] = {}
        self._told = ""

    def extend(self, config: Config) -> Config:
        """The configuration with a table for each of them; raises ConfigError."""
        return extended(config, self._source, self._secrets)

    def wanted(self, config: Config) -> list[Place]:
        """Those that are to run; raises ConfigError."""
        return [place for place in places(config, self._source) if not place.unwanted]

    def follow(self, config: Config) -> None:
        """Start, restart and stop what has to be for this configuration.

        Raises ConfigError for what `wanted` does; one that can't be started is told of.
        """
        wanted = self.wanted(config)
        names = {place.bundled.name for place in wanted}
        for name in self._files.keys() - names:
            del self._files[name], self._domains[name]
            self._children[name].stop()
        for place in wanted:
            name, text = place.bundled.name, settings(place, config)
            if self._files.get(name) != text:
                self._run(place, text, config)
            else:
                self._children[name].hurry()
        self._introduce(config)

    def _run(self, place: Place, text: str, config: Config) -> None:
        """Have one run with these settings, whatever it had before."""
        name = place.bundled.name
        path = Path(config.server.data) / f"{name}.toml"
        try:
            # The level is no reason to start one anew: it is no part of what is compared.
            write_private(path, f'{text}level = "{config.log.level}"\n'.encode())
        except OSError as error:
            words = f"{path} can't be written ({error.strerror})"
            log.error("{name} is not started: {words}", name=name, words=words)
            self._failing(place.domain, words)
            return
        self._files[name], self._domains[name] = text, place.domain
        if name not in self._children:
            self._children[name] = self._child(place.bundled, path)
        self._children[name].restart()

    def _introduce(self, config: Config) -> None:
        """Tell what has become of each, where that is something else than before."""
        told = "; ".join(
            f"{place.bundled.name} "
            + (f"stays out ({place.unwanted})" if place.unwanted else f"is {place.domain}")
            for place in places(config, self._source)
        )
        if told != self._told:
            self._told = told
            log.info("bundled components: {told}", told=told)

    def _child(self, bundled: Bundled, path: Path) -> Child:
        name = bundled.name
        # -P: nothing is to be imported from wherever the server happens to run.
        command = [sys.executable, "-P", "-c", TWISTD, "-n", "--pidfile=", bundled.plugin, "-c"]
        environment = {SECRET_VARIABLE: self._secrets[name], TIED_VARIABLE: "1"}
        return Child(
            name,
            [*command, str(path)],
            {**os.environ, **environment},
            self._reactor,
            lambda words: self._failing(self._domains.get(name, name), words),
        )

    def facts(self) -> list[Outcome]:
        """What `status` tells of each."""
        return [self._fact(self._children[name], at) for name, at in self._domains.items()]

    def _fact(self, child: Child, domain: str) -> Outcome:
        return {
            "name": child.name,
            "domain": domain,
            "pid": child.pid,
            "seconds": max(0, round(self._reactor.seconds() - child.since)),
            "failures": child.failures,
            "last_words": child.last_words,
        }

    def stop(self) -> Deferred[Any]:
        """End them; fires when all have ended."""
        return DeferredList([child.stop() for child in self._children.values()])


def settings(place: Place, config: Config) -> str:
    """The configuration of a component, but for the last line of it: the level of its log."""
    store, name = config.store, place.bundled.name
    values = {
        "domain": place.domain,
        "data": config.server.data,
        "endpoint": f"unix:{quoteStringArgument(socket_path(config))}",
        # Guests are nobody's users to what keeps something of these.
        "servers": place.domains or config.server.domains,
        "url": _store_url(store.url, name),
        "queue": store.queue,
        "wait_seconds": store.wait_seconds,
        "connections": CONNECTIONS,
    }
    own = config.bundled.settings.get(name, {})
    lines = [f"{keys.written((key,))} = {_toml(value)}\n" for key, value in own.items()]
    written = {key: _toml(value) for key, value in values.items()}
    table = "".join([f"[{name}]\n", *lines, "\n"] if own else "")
    return _FILE.format(name=name, own=table, **written)


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        inside = [f"{keys.written((key,))} = {_toml(each)}" for key, each in value.items()]
        return f"{{ {', '.join(inside)} }}"
    # Strings, numbers and lists of JSON are such of TOML.
    return json.dumps(value, ensure_ascii=False)


def _store_url(url: str, name: str) -> str:
    """A database of its own beside the server's, or its own tables in the same PostgreSQL."""
    path = url.removeprefix("sqlite:")
    if is_postgresql(url) or path == ":memory:":
        return url
    return f"sqlite:{Path(path).with_name(f'{name}.db')}"
