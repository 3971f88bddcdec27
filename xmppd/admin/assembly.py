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
from xmppd.admin.secret import kept_secret
from xmppd.auth.administration import Administration
from xmppd.auth.answers import Answers
from xmppd.auth.internal import AccountBackend, RunInThread
from xmppd.auth.seal import Seal, load_seal
from xmppd.auth.survey import SECONDS, Survey
from xmppd.auth.throttle import Throttle
from xmppd.config import Config
from xmppd.core.host import Host
from xmppd.core.loader import Loaded
from xmppd.errors import ConfigError, StoreError
from xmppd.storage.lane import Limits
from xmppd.storage.recent import RecentAccounts
from xmppd.storage.url import open_stores


def available() -> list[ModuleType]:
    """Every module there is, by name."""
    names = sorted(m.name for m in pkgutil.iter_modules(modules.__path__))
    return [import_module(f"{modules.__name__}.{name}") for name in names]


def check_modules(config: Config, source: str) -> int:
    """How many modules the configuration loads; raises ConfigError for a name that none has."""
    names = {module.__name__.rpartition(".")[2] for module in available()}
    unknown = sorted(set(config.modules.off) - names)
    if unknown:
        problem = f"no module is called {', '.join(unknown)}"
        raise ConfigError(source, "modules.off", problem, f"There are: {', '.join(sorted(names))}")
    return len(names - set(config.modules.off))


def seal_of(config: Config) -> Seal | None:
    """The key of passwords kept for digest logins, where they are on; raises ConfigError."""
    if not (config.auth.digest_md5 or config.auth.legacy):
        return None
    return load_seal(Path(config.server.data) / "legacy.key")


class Assembly:
    """The parts; made by `assemble`."""

    def __init__(self, host: Host, run: RunInThread, secret: bytes) -> None:
        self.host = host
        self.modules = Loaded(host, available())
        self._run = run
        self._secret = secret
        self._throttle = Throttle(host.clock.seconds)
        self._survey = Survey()
        self._surveying = LoopingCall(self.survey)
        self._surveying.clock = host.clock

    async def open(self, config: Config, seal: Seal | None, source: str) -> None:
        """Take the first configuration; raises ConfigError as `follow` does."""
        self.follow(config, seal, source)
        await self.survey()
        self._surveying.start(SECONDS, now=False)

    def survey(self) -> Deferred[None]:
        """See which iteration counts there are in the store."""
        return self._survey.look(self.host.stores.accounts)

    def follow(self, config: Config, seal: Seal | None, source: str) -> None:
        """Take a configuration; `seal` is `seal_of` it.

        Raises ConfigError as `check_modules` does, and nothing has changed then.
        """
        check_modules(config, source)
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
        self.modules.follow(config.modules.off, source)

    def close(self) -> Deferred[None]:
        """Unload the modules and close the store; fires when it has written what it holds."""
        if self._surveying.running:
            self._surveying.stop()
        for context in reversed(self.modules.contexts.values()):
            context.undo()
        return self.host.stores.database.close()


async def assemble(config: Config, reactor: Any, run: RunInThread, source: str) -> Assembly:
    """Open the store of a checked configuration and put the parts together.

    `run` takes PBKDF2 to a thread, `source` names the configuration. Raises ConfigError; the
    store is closed again then.
    """
    data = Path(config.server.data)
    make_data_directory(data, source)
    secret, seal = kept_secret(data), seal_of(config)
    limits = Limits(queue=config.store.queue, wait=config.store.wait_seconds)
    try:
        stores = await open_stores(config.store.url, reactor, data, limits=limits, source=source)
    except StoreError as error:
        remedy = "Restore a backup of it, or name another store"
        raise ConfigError(source, "store.url", str(error), remedy) from error
    try:
        stores = replace(stores, accounts=RecentAccounts(stores.accounts, reactor.seconds))
        assembly = Assembly(Host(config, clock=reactor, stores=stores), run, secret)
        await assembly.open(config, seal, source)
    except BaseException:
        await stores.database.close()
        raise
    return assembly


def make_data_directory(data: Path, source: str) -> None:
    """Make the data directory, for this user alone, where there is none; raises ConfigError."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        problem = f"can't make the directory {data} ({error.strerror})"
        remedy = "Name a directory that this user may write to"
        raise ConfigError(source, "server.data", problem, remedy) from None
