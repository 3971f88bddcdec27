"""The server as a service: composed from its parts, started, reloaded and stopped."""

from __future__ import annotations

import pkgutil
import secrets
import signal
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import inlineCallbacks
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from xmppd import config, modules
from xmppd.auth.administration import Administration
from xmppd.auth.answers import Answers
from xmppd.auth.internal import AccountBackend
from xmppd.auth.seal import load_seal
from xmppd.auth.throttle import Throttle
from xmppd.core.host import Host
from xmppd.core.loader import Loaded
from xmppd.errors import ConfigError, StoreError
from xmppd.net.c2s import ClientFactory, direct_tls
from xmppd.net.idle import SLOTS, IdleWatch
from xmppd.net.limits import Admission
from xmppd.net.tls import CertificateStore
from xmppd.storage.url import Stores, open_stores

log = Logger(namespace="xmppd")


class Server(MultiService):
    """One server process. `fail` ends it with a message when it can't start."""

    def __init__(
        self,
        path: Path | None,
        reactor: Any,
        twistd: Mapping[str, Any],
        fail: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._path = path
        self._reactor = reactor
        self._fail = fail
        self.config = config.load(path)
        self._data = Path(self.config.server.data)
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.certificates = CertificateStore(
            self.config.tls, self.config.server.domains, self.config.server.data
        )
        self.admission = Admission(self.config.limits)
        self.idle = IdleWatch()
        self.host: Host
        self._stores: Stores | None = None
        self._ports: list[Any] = []

    # ------------------------------------------------------------------ start

    def startService(self) -> None:
        """Open the store, then listen; a fault on the way ends the process."""
        super().startService()
        self._start().addErrback(self._not_started)

    @inlineCallbacks
    def _start(self) -> Any:
        source = str(self._path or "built-in configuration")
        self._stores = yield open_stores(
            self.config.store.url, self._reactor, self._data, source=source
        )
        self.host = host = Host(self.config, clock=self._reactor, stores=self._stores)
        self._authentication(host)
        self.loaded = Loaded(host, _modules())
        self.loaded.follow(self.config.modules.off, source)
        yield self._listen(host, source)
        self._watch_idle()

    def _authentication(self, host: Host) -> None:
        auth = self.config.auth
        run = partial(deferToThreadPool, self._reactor, self._reactor.getThreadPool())
        seal = load_seal(self._data / "legacy.key") if auth.digest_md5 or auth.legacy else None
        backend = AccountBackend(
            host.stores.accounts,
            run=run,
            secret=_secret(self._data / "decoy.key"),
            iterations=auth.iterations,
            seal=seal,
        )
        host.authenticator = Answers(
            backend,
            Throttle(self._reactor.seconds),
            self._reactor,
            lambda: host.config.auth.impersonate,
        )
        host.administrator = Administration(host, run=run, seal=seal)

    @inlineCallbacks
    def _listen(self, host: Host, source: str) -> Any:
        plain = ClientFactory(host, self.certificates, self.admission, self.idle)
        inner = ClientFactory(host, self.certificates, self.admission, self.idle, direct=True)
        listen = self.config.listen
        for key, descriptions, factory in (
            ("listen.c2s", listen.c2s, plain),
            ("listen.c2s_tls", listen.c2s_tls, direct_tls(inner)),
        ):
            for description in descriptions:
                endpoint = serverFromString(self._reactor, description)
                try:
                    port = yield endpoint.listen(factory)
                except CannotListenError as error:
                    problem = f"can't listen on {description}: {error.socketError}"
                    remedy = "Stop the other program, or choose another port"
                    raise ConfigError(source, key, problem, remedy) from None
                self._ports.append(port)
                log.info("{key} listens on {description}", key=key, description=description)

    def _watch_idle(self) -> None:
        seconds = self.config.limits.idle_seconds
        if seconds:
            loop = LoopingCall(self.idle.sweep)
            loop.clock = self._reactor
            loop.start(seconds / SLOTS, now=False)

    def _not_started(self, failure: Any) -> None:
        if failure.check(ConfigError, StoreError):
            self._fail(failure.getErrorMessage())
        else:
            log.failure("the server could not start", failure)
            self._fail(f"could not start: {failure.getErrorMessage()}; see the log")

    # ------------------------------------------------------------------ stop

    @inlineCallbacks
    def stopService(self) -> Any:
        """Stop listening, close every stream with `system-shutdown`, then the store."""
        yield super().stopService()
        for port in self._ports:
            yield port.stopListening()
        if hasattr(self, "host"):
            self.host.shut_down()
        if self._stores is not None:
            yield self._stores.database.close()


def _modules() -> list[Any]:
    names = sorted(m.name for m in pkgutil.iter_modules(modules.__path__))
    return [import_module(f"{modules.__name__}.{name}") for name in names]


def _secret(path: Path) -> bytes:
    """32 bytes that stay the same over restarts; made where there are none."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(32))
    return path.read_bytes()
