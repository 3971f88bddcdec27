"""A component as a process: its store opened, its handlers set up, connected, stopped in order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from components.common import endpoint, reload
from components.common.component import Component
from components.common.config import Loaded, Settings
from xmppd.errors import ConfigError, StoreError
from xmppd.process.lifeline import Lifeline, tie
from xmppd.process.logs import Log
from xmppd.process.program import Program
from xmppd.process.signals import Signals
from xmppd.storage.interfaces import Database
from xmppd.storage.url import open_database
from xmppd.storage.work_queue import Limits

log = Logger(namespace="component")

T = TypeVar("T", bound=Settings)


class Setting(NamedTuple, Generic[T]):
    """What a component is set up with."""

    component: Component
    config: T
    loaded: Loaded[T]
    reactor: Any
    store: Database | None
    """The database, brought forward to the component's schema; None for who has no schema."""


SetUp: TypeAlias = Callable[[Setting[T]], Coroutine[Deferred[Any], Any, None] | None]
"""Tells a component who handles what, now or later; it connects then."""


class Process(Program, Generic[T]):
    """One component, from the start of the reactor to its end.

    `fail` ends the process with a message. Making one raises ConfigError for what can be known
    to be wrong before the reactor runs. `read` reads the file again, when SIGHUP asks for it.
    """

    def __init__(
        self,
        loaded: Loaded[T],
        set_up: SetUp[T],
        reactor: Any,
        fail: Callable[[str], None],
        *,
        schema: Path | None = None,
        log_to: Log | None = None,
        read: Callable[[], Loaded[T]] | None = None,
    ) -> None:
        super().__init__(reactor, fail, log_to)
        self._loaded = loaded
        self._set_up = set_up
        self._schema = schema
        self._store: Database | None = None
        self._starting: Deferred[None] | None = None
        self._stopping = False
        self._lifeline: Lifeline | None = None
        self._read = read or (lambda: loaded)
        self._signals = Signals(
            reactor, {signal.SIGHUP: self._hung_up, signal.SIGTERM: self._asked_to_stop}
        )
        self.component = Component(
            loaded.identity,
            loaded.servers,
            endpoint.made(loaded, reactor),
            reactor,
            where=loaded.settings.core.endpoint,
            source=loaded.source,
        )
        self.component.when_drained = self._asked_to_stop

    def _begin(self) -> None:
        self._signals.install()  # only now: the reactor has installed its own handlers
        self._lifeline = tie(self._reactor, self._asked_to_stop)
        self._starting = Deferred.fromCoroutine(self._start())
        self._starting.addErrback(self._not_started)

    async def _start(self) -> None:
        loaded = self._loaded
        if self._schema is not None:
            self._store = await self._open(self._schema)
        setting = Setting(self.component, loaded.settings, loaded, self._reactor, self._store)
        later = self._set_up(setting)
        if later is not None:
            await later
        self.component.start()

    async def _open(self, schema: Path) -> Database:
        loaded, store = self._loaded, self._loaded.settings.store
        limits = Limits(queue=store.queue, wait=store.wait_seconds, connections=store.connections)
        try:
            loaded.data.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            problem = f"can't make the directory {loaded.data} ({error.strerror})"
            remedy = "Name a directory that this user may write to"
            raise loaded.fault(("component", "data"), problem, remedy) from None
        try:
            return await open_database(
                loaded.url, schema, self._reactor, loaded.data, limits=limits, source=loaded.source
            )
        except StoreError as error:
            remedy = "Restore a backup of it, or name another store"
            raise loaded.fault(("store", "url"), str(error), remedy) from error

    def _not_started(self, failure: Failure) -> None:
        if failure.check(ConfigError):
            self._fail(failure.getErrorMessage())
        else:
            log.failure("the component could not start", failure)
            self._fail(f"could not start: {failure.getErrorMessage()}. See the log")

    def _asked_to_stop(self) -> None:
        """SIGTERM is how a component is meant to end, or a server that drains it: with status 0."""
        if not self._stopping:
            self._stopping = True
            self._reactor.stop()

    def _hung_up(self) -> None:
        """SIGHUP has the file read again; a fault in it changes nothing."""
        try:
            wanted = self._read()
        except ConfigError as error:
            log.error("nothing was reloaded: {error}", error=str(error))
            return
        found = reload.told(self._loaded, wanted)
        self._loaded = reload.taken(self._loaded, wanted)
        self.component.link.identity = self._loaded.identity
        if self._log is not None:
            self._log.configure(self._loaded.settings.log)
        log.info("reloaded: {changes}", changes="; ".join(found) or "nothing has changed")

    def stopService(self) -> Deferred[None]:
        """Finish what is begun, close the stream, then the store."""
        return Deferred.fromCoroutine(self._end())

    async def _end(self) -> None:
        super().stopService()
        self._stopping = True
        if self._lifeline is not None:
            self._lifeline.release()
        if self._starting is not None:
            await self._starting
        try:
            await self.component.stop()
        except Exception:  # noqa: BLE001 - with the store open the process would never end
            log.failure("the component did not take leave in order")
        if self._store is not None:
            await self._store.close()
        self._signals.restore()
