"""The bundled components as child processes of the server: what each is started with, and where.

What they connect to is a socket in the data directory; what they prove is a secret that is made
anew with each server, and handed to them in the environment.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from xmppd.admin import bundle_check
from xmppd.admin.bundle_settings import command, settings
from xmppd.admin.files import write_private
from xmppd.admin.operated import Outcome
from xmppd.bundled import Bundled, Place, Secrets, extended, places
from xmppd.config import Config
from xmppd.errors import ConfigError
from xmppd.process.child import Child
from xmppd.process.lifeline import SECRET_VARIABLE, TIED_VARIABLE

log = Logger()


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

    async def ask(self, config: Config) -> None:
        """Ask those that have to start for this configuration whether they take their settings.

        Raises ConfigError for the first that does not: one that runs is not ended for that.
        """
        concerned = [
            place
            for place in self.wanted(config)
            if config.bundled.settings.get(place.bundled.name)
            and self._files.get(place.bundled.name) != settings(place, config)
        ]
        asked = [bundle_check.ask(place, config, self._reactor) for place in concerned]
        answers = [await each for each in asked]
        for place, words in zip(concerned, answers, strict=True):
            if words:
                key = f"bundled.settings.{place.bundled.name}"
                raise ConfigError(self._source, key, words, bundle_check.REMEDY.format(key))

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
        environment = {SECRET_VARIABLE: self._secrets[name], TIED_VARIABLE: "1"}
        return Child(
            name,
            command(bundled, path),
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
