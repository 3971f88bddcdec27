"""The server without its network: store, host, accounts and modules, put together.

The running server stands on it, and so does xmppctl where no server runs: an account that is
removed by either takes the same path, modules included.
"""

from __future__ import annotations

import pkgutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from xmppd import modules
from xmppd.admin.directory import check_owner, make_data_directory
from xmppd.admin.hold import Hold, hold
from xmppd.admin.pump import Pump
from xmppd.admin.secret import kept_secret
from xmppd.auth.administration import Administration
from xmppd.auth.answers import Answers
from xmppd.auth.internal import AccountBackend, RunInThread
from xmppd.auth.seal import Seal, load_seal
from xmppd.auth.survey import SECONDS, Survey
from xmppd.auth.throttle import Throttle
from xmppd.config import Config
from xmppd.core.host import Host
from xmppd.core.loader import Loaded, unusable
from xmppd.errors import ConfigError, StoreError
from xmppd.storage.recent import RecentAccounts
from xmppd.storage.url import open_stores
from xmppd.storage.work_queue import Limits


def available(source: str = "configuration") -> list[ModuleType]:
    """Every module there is, by name; raises ConfigError for one that can't be imported."""
    found = []
    for name in sorted(m.name for m in pkgutil.iter_modules(modules.__path__)):
        try:
            found.append(import_module(f"{modules.__name__}.{name}"))
        except Exception as error:
            raise unusable(source, name, error) from error
    return found


def check_modules(config: Config, source: str) -> int:
    """How many modules the configuration loads.

    They are loaded into a host that is thrown away. Raises ConfigError as `Loaded.follow` does.
    """
    pump = Pump()
    stores = pump.wait(open_stores("sqlite::memory:", pump, Path(), source=source))
    trial = Loaded(Host(config, clock=pump, stores=stores), available(source))
    try:
        trial.follow(config.modules.off, source)
        return len(trial.contexts)
    finally:
        pump.wait(stores.database.close())


def seal_of(config: Config) -> Seal | None:
    """The key of passwords kept for digest logins, where they are on; raises ConfigError."""
    if not (config.auth.digest_md5 or config.auth.legacy):
        return None
    return load_seal(Path(config.server.data) / "legacy.key")


class Assembly:
    """The parts; made by `assemble`."""

    def __init__(
        self, host: Host, run: RunInThread, secret: bytes, held: Hold, source: str
    ) -> None:
        self.host = host
        self.modules = Loaded(host, available(source))
        self._run = run
        self._secret = secret
        self._held = held
        self._throttle = Throttle(host.clock.seconds)
        self._survey = Survey()
        self._surveying = LoopingCall(self.survey)
        self._surveying.clock = host.clock

    async def open(self, config: Config, seal: Seal | None, source: str) -> None:
        """Take the first configuration; raises ConfigError as `follow` does."""
        self.follow(config, seal, source)
        await self.host.components.restore()
        await self.survey()
        self._surveying.start(SECONDS, now=False)

    def survey(self) -> Deferred[None]:
        """See which iteration counts there are in the store."""
        return self._survey.look(self.host.stores.accounts)

    def follow(self, config: Config, seal: Seal | None, source: str) -> None:
        """Take a configuration; `seal` is `seal_of` it.

        Raises ConfigError for modules that can't be loaded, and nothing has changed then. The
        trial is for what can't be taken back: what a module forgets when it is unloaded.
        """
        check_modules(config, source)
        self.modules.follow(config.modules.off, source)
        host = self.host
        host.reconfigure(config)
        backend = AccountBackend(
            host.stores.accounts,
            run=self._run,
            secret=self._secret,
            iterations=config.auth.iterations,
            survey=self._survey,
            seal=seal,
        )
        host.authenticator = Answers(
            backend, self._throttle, host.clock, lambda: host.config.auth.impersonate
        )
        host.administrator = Administration(host, run=self._run, seal=seal)

    def close(self) -> Deferred[None]:
        """Unload the modules and close the store; fires when it has written what it holds."""
        if self._surveying.running:
            self._surveying.stop()
        for context in reversed(self.modules.contexts.values()):
            context.undo()
        closing = self.host.stores.database.close()
        return closing.addBoth(self._closed)

    def _closed(self, outcome: Any) -> Any:
        self._held.release()
        return outcome


async def assemble(config: Config, reactor: Any, run: RunInThread, source: str) -> Assembly:
    """Open the store of a checked configuration and put the parts together.

    `run` takes PBKDF2 to a thread, `source` names the configuration. The data directory is held
    until `Assembly.close`. Raises ConfigError; the store is closed again then.
    """
    data = Path(config.server.data)
    make_data_directory(data, source)
    check_owner(data, source)
    held = hold(data, source)
    try:
        return await _assemble(config, reactor, run, held, source)
    except BaseException:
        held.release()
        raise


async def _assemble(
    config: Config, reactor: Any, run: RunInThread, held: Hold, source: str
) -> Assembly:
    data = Path(config.server.data)
    secret, seal = kept_secret(data), seal_of(config)
    store = config.store
    limits = Limits(queue=store.queue, wait=store.wait_seconds, connections=store.connections)
    try:
        stores = await open_stores(store.url, reactor, data, limits=limits, source=source)
    except StoreError as error:
        remedy = "Restore a backup of it, or name another store"
        raise ConfigError(source, "store.url", str(error), remedy) from error
    try:
        stores = replace(stores, accounts=RecentAccounts(stores.accounts, reactor.seconds))
        assembly = Assembly(Host(config, clock=reactor, stores=stores), run, secret, held, source)
        await assembly.open(config, seal, source)
    except BaseException:
        await stores.database.close()
        raise
    return assembly
