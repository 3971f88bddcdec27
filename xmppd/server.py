"""The server as a service: what listens, and how it starts, reloads and stops."""

from __future__ import annotations

import resource
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import structs
from twisted.internet.defer import Deferred, DeferredLock, maybeDeferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd import __version__, bundled, config
from xmppd.admin import control
from xmppd.admin.assembly import Assembly, assemble, seal_of
from xmppd.admin.bundle import Bundle
from xmppd.admin.checks import check_start
from xmppd.admin.directory import check_owner, make_data_directory
from xmppd.admin.operated import Operated, Outcome
from xmppd.admin.ports import cannot_listen, listeners, nobody_connects
from xmppd.auth.workers import Workers
from xmppd.config.changes import NEEDS_RESTART
from xmppd.config.endpoints import with_backlog
from xmppd.config.load import BUILT_IN
from xmppd.core.host import Host
from xmppd.core.limits import Admission
from xmppd.errors import ConfigError
from xmppd.net.c2s import ClientFactory
from xmppd.net.component import ComponentFactory
from xmppd.net.finding import DNSFinder
from xmppd.net.idle import SLOTS, IdleWatch
from xmppd.net.s2s import Federation, ServerFactory, admitted
from xmppd.net.tls import CertificateStore
from xmppd.net.turn import Turn
from xmppd.process import logs
from xmppd.process.program import Program
from xmppd.process.signals import Signals

log = Logger(namespace="xmppd")

SPARE_FILES = 64
"""Descriptors kept for the store, the control socket, logs and certificates."""

MAY_REGISTER = {"loopback": "a client on this machine", "on": "a client"}
"""Who makes accounts in-band, by the value of `[registration] policy`."""

DRAIN = 5.0
"""Seconds that connections may take to send what is left when the server stops."""
CLOSE = 2.0
"""Seconds that a port may take to close."""
DRAIN_STEP = 0.05
"""Seconds between looks at whether they have."""


class Server(Program):
    """One server process.

    `path` is the configuration file, None for the built-in one; `twistd` are twistd's options;
    `fail` ends the process with a message when the server can't start. Making one raises
    ConfigError for whatever can be known to be wrong before the reactor runs.
    """

    def __init__(
        self,
        path: Path | None,
        reactor: Any,
        twistd: Mapping[str, Any],
        fail: Callable[[str], None],
    ) -> None:
        self._path = path.absolute() if path else None  # twistd may go to another directory
        self._source = str(self._path or BUILT_IN)
        self.config = config.load(self._path)
        check_start(self.config, self._source)
        make_data_directory(Path(self.config.server.data), self._source)
        if twistd.get("uid") is None:  # else the process becomes that user later
            check_owner(Path(self.config.server.data), self._source)
        log_to = logs.Log(sys.stdout, self.config.log) if logs.wanted(twistd) else None
        super().__init__(reactor, fail, log_to)
        self._bundle = Bundle(reactor, self._source, self._component_fails)
        server = self.config.server
        self.certificates = CertificateStore(
            self.config.tls,
            server.domains,
            server.data,
            source=self._source,
            s2s=self.config.s2s,
            components=self._bundle.extend(self.config).components,
        )
        self.admission = Admission(self.config.limits)
        self._servers = Admission(admitted(self.config.limits, self.config.s2s))
        self._workers = Workers(reactor)
        self.idle = IdleWatch()
        self._turn = Turn(reactor)
        self.assembly: Assembly | None = None
        self._components: Factory | None = None
        self._signals = Signals(reactor, {signal.SIGHUP: self._hung_up, signal.SIGTERM: self._stop})
        self._starting: Deferred[None] | None = None
        self._stopping = False
        self._reloading = DeferredLock()
        self._sweeping: LoopingCall | None = None
        self._ports: list[Any] = []
        self._listening: list[dict[str, str]] = []

    # ------------------------------------------------------------------ start

    def _begin(self) -> None:
        # Only now: the reactor has installed its own handlers.
        self._signals.install()
        self._starting = _run(self._start())
        self._starting.addErrback(self._not_started)

    async def _start(self) -> None:
        self._workers.start()
        self.admission.files = self._servers.files = (
            resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES
        )
        config = self._bundle.extend(self.config)
        self.assembly = await assemble(config, self._reactor, self._workers, self._source)
        self.assembly.host.turn = self._turn
        await self._listen(self.assembly)
        self._watch_idle()
        log.info(
            "ready: xmppd {version} serves {domains}",
            version=__version__,
            domains=", ".join(self.config.server.domains),
        )
        self._bundle.follow(self.config)
        await self._introduce(self.assembly)

    async def _listen(self, assembly: Assembly) -> None:
        factory = partial(
            ClientFactory, assembly.host, self.certificates, self.admission, self.idle, self._turn
        )
        components = partial(
            ComponentFactory,
            assembly.host,
            self.certificates,
            self.admission,
            self.idle,
            self._turn,
        )
        servers = partial(
            ServerFactory, assembly.host, self.certificates, self._servers, self.idle, self._turn
        )
        factories: dict[str, Factory] = {
            "listen.s2s": servers(),
            "listen.s2s_tls": servers(direct=True),
            "listen.c2s": factory(),
            "listen.c2s_tls": factory(direct=True),
            "listen.component": components(),
            "listen.component_tls": components(direct=True),
        }
        if nobody := nobody_connects(self.config):
            log.warn("listen: {problem}. {remedy}", problem=nobody[0], remedy=nobody[1])
        for key, description in listeners(self.config):
            try:
                endpoint = serverFromString(self._reactor, with_backlog(description))
                port = await endpoint.listen(factories[key])
            except Exception as error:  # each kind of endpoint has its own
                raise cannot_listen(self._source, key, description, error) from error
            self._opened(port, key, description)
        finder = DNSFinder(self._reactor, lambda: assembly.host.config.s2s)
        assembly.host.remotes.follow(
            Federation(assembly.host, finder, self.certificates, self.idle, self._turn)
        )
        self._components = factories["listen.component"]
        self._listen_for_bundled(self.config)
        operated = Operated(assembly.host, self.reload, self._facts)
        path = self.config.listen.control
        port = control.listen(self._reactor, path, control.ControlFactory(operated), self._source)
        self._opened(port, control.KEY, path)

    def _listen_for_bundled(self, config: config.Config) -> None:
        """Open the socket of the bundled components, where there are any."""
        opened = any(one["key"] == bundled.KEY for one in self._listening)
        if self._components is not None and not opened and self._bundle.wanted(config):
            path = bundled.socket_path(config)
            port = control.listen(
                self._reactor, path, self._components, self._source, key=bundled.KEY
            )
            self._opened(port, bundled.KEY, path)

    def _component_fails(self, domain: str, words: str) -> None:
        if self.assembly is not None:
            self.assembly.host.refusals.note("component.failing", domain, detail=words)

    def _opened(self, port: Any, key: str, description: str) -> None:
        where = port.getHost()
        self._ports.append(port)
        self._listening.append({"key": key, "endpoint": description, "address": description})
        if hasattr(where, "port"):  # which only an endpoint with port 0 leaves open
            host = f"[{where.host}]" if ":" in where.host else where.host
            self._listening[-1]["address"] = f"{host}:{where.port}"
        log.info("{key} listens on {address}", **self._listening[-1])

    async def _introduce(self, assembly: Assembly) -> None:
        """Tell who has just set the server up how to go on, until there is an account."""
        domains = self.config.server.domains
        for domain in domains:
            if await assembly.host.stores.accounts.count(domain):
                return
        beside = Path(sys.executable).with_name("xmppctl")
        command = str(beside) if beside.exists() else "xmppctl"
        about = f" -c {self._path}" if self._path else ""
        where = "" if self._path else f" in {Path(self.config.server.data).parent}"
        log.info(
            "no accounts yet: add one{where} with {command} adduser YOU@{domain}",
            where=where,
            command=command + about,
            domain=domains[0],
        )
        if who := MAY_REGISTER.get(self.config.registration.policy):
            log.info("or let {who} register one (XEP-0077)", who=who)

    def _watch_idle(self) -> None:
        """Look at every connection once in each period; the period may have changed."""
        if self._sweeping is not None:
            self._sweeping.stop()
            self._sweeping = None
        seconds = self.config.limits.idle_seconds
        if seconds:
            self._sweeping = LoopingCall(self.idle.sweep)
            self._sweeping.clock = self._reactor
            self._sweeping.start(seconds / SLOTS, now=False)

    def _not_started(self, failure: Failure) -> None:
        if isinstance(failure.value, ConfigError):
            self._fail(failure.getErrorMessage())
        else:
            log.failure("the server could not start", failure)
            self._fail(f"could not start: {failure.getErrorMessage()}. See the log")

    # ------------------------------------------------------------------ while it runs

    def _facts(self) -> Outcome:
        """What `status` tells beyond what the host knows."""
        return {
            "listening": self._listening,
            "certificate_problems": [str(problem) for problem in self.certificates.problems],
            "bundled": self._bundle.facts(),
            "modules": sorted(self.assembly.modules.contexts) if self.assembly else [],
        }

    def reload(self) -> Deferred[list[str]]:
        """Take the configuration and the certificates as they are now on disk, behind one another.

        Gives what has changed, whether that needs a restart, and which certificates can't be
        used. Fails with ConfigError, and then nothing has changed.
        """
        return self._reloading.run(lambda: Deferred.fromCoroutine(self._reload()))

    async def _reload(self) -> list[str]:
        if self.assembly is None:
            raise ConfigError(self._source, "", "the server is still starting", "Try again")
        wanted = config.load(self._path)
        changes = config.changes(self.config, wanted)
        new = in_force(self.config, wanted)
        full = self._bundle.extend(new)
        seal = seal_of(new)
        take_certificates = self.certificates.prepare(
            new.tls, new.server.domains, new.s2s, full.components
        )
        await self._bundle.ask(new)
        if self._stopping:
            raise ConfigError(self._source, "", "the server is stopping", "Start it again")
        self._listen_for_bundled(new)
        self.assembly.follow(full, seal, self._source)
        take_certificates()
        self._bundle.follow(new)
        self.config = new
        self.assembly.survey()  # accounts made since the last one have the old iteration count
        self.admission.limits = new.limits
        self._servers.limits = admitted(new.limits, new.s2s)
        if self._log is not None:
            self._log.configure(new.log)
        self._watch_idle()
        for change in changes:
            log.info("configuration: {change}", change=change)
        log.info("configuration and certificates are read again")
        return [*changes, *map(str, self.certificates.problems)]

    def _hung_up(self) -> None:
        self.reload().addErrback(self._not_reloaded)

    def _not_reloaded(self, failure: Failure) -> None:
        if failure.check(ConfigError):
            log.error("nothing was reloaded: {error}", error=failure.getErrorMessage())
        else:
            log.failure("the reload failed", failure)

    # ------------------------------------------------------------------ stop

    def _stop(self) -> None:
        """SIGTERM is how a server is meant to end: unlike Twisted's own handler, status 0."""
        if not self._stopping:
            self._stopping = True
            self._reactor.stop()

    def stopService(self) -> Deferred[None]:
        """Stop listening, end every stream with `system-shutdown`, then close the store.

        Fires when what was written is sent, or `DRAIN` seconds have passed, and the store has
        written what it holds.
        """
        return _run(self._end())

    async def _end(self) -> None:
        self._stopping = True
        await maybeDeferred(super().stopService)
        if self._starting is not None:
            await self._starting
        for port in self._ports:
            await self._stop_listening(port)
        if self._sweeping is not None:
            self._sweeping.stop()
            self._sweeping = None
        if self.assembly is not None:
            try:
                await self._take_leave(self.assembly.host)
            except Exception:  # noqa: BLE001 - with the store open the process would never end
                log.failure("the server did not take leave in order")
            await self.assembly.close()
        self._workers.stop()
        self._signals.restore()
        log.info("stopped")

    async def _take_leave(self, host: Host) -> None:
        """End every stream, and wait until that is told."""
        host.shut_down(host.connections)
        await self._bundle.stop()  # whose streams have to be there for what they finish
        host.shut_down(host.component_connections)
        host.remotes.close()  # what the others have left behind goes first
        await self._drained()

    async def _stop_listening(self, port: Any) -> None:
        """Close a port; one whose file somebody has taken away never says that it is closed."""
        closed = maybeDeferred(port.stopListening)
        closed.addTimeout(CLOSE, self._reactor)
        try:
            await closed
        except (DeferredTimeout, OSError) as error:
            log.warn("a port was not closed in order: {error}", error=error)

    async def _drained(self) -> None:
        """Wait for the connections to be gone, for as long as that may take."""
        deadline = self._reactor.seconds() + DRAIN
        while len(self.idle) and self._reactor.seconds() < deadline:
            await deferLater(self._reactor, DRAIN_STEP)
        if len(self.idle):
            log.warn("{count} connections were cut off", count=len(self.idle))


def in_force(running: config.Config, wanted: config.Config) -> config.Config:
    """`wanted`, but for the keys that a running server can't change."""
    tables = {}
    for table in wanted.__struct_fields__:
        content = getattr(wanted, table)
        if isinstance(content, config.Table):
            kept = {
                key: getattr(getattr(running, table), key)
                for key in content.__struct_fields__
                if f"{table}.{key}" in NEEDS_RESTART
            }
            content = structs.replace(content, **kept)
        tables[table] = content
    return config.Config(**tables)


def _run(work: Coroutine[Deferred[Any], Any, None]) -> Deferred[None]:
    return Deferred.fromCoroutine(work)
