"""Removed accounts: components forget them, too (docs/writing-a-component.md, accounts).

A component to which anything is delegated, or that has privileges, may keep something of an
account, as may one whose table says so (`accounts`). It is told when the account is gone, and has
to say that it has forgotten it; one that is away is told when it comes back. So an account that is
made again under the same name inherits nothing.
"""

from __future__ import annotations

from functools import partial

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd import config, ns
from xmppd.core.context import ModuleContext
from xmppd.core.host import Host
from xmppd.core.requests import RequestFailed
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.wire.build import Tag

log = Logger()

AT_A_TIME = 100
"""Accounts that are read at a time, of those that a component has to forget."""

SECONDS = 300.0
"""How long it may take to forget one."""

UNKNOWN = frozenset({"service-unavailable", "feature-not-implemented"})
"""How a component answers that knows nothing of all this: then it keeps nothing."""


def register(context: ModuleContext) -> None:
    """Tell components of removed accounts, now and when they come back."""
    erasing = Erasing(context.host)
    hooks = context.hooks
    context.hook(hooks.account_removed, Phase.FALLBACK, erasing.removed)
    context.hook(hooks.component_connected, Phase.GUARD, erasing.connected)
    context.hook(hooks.component_gone, Phase.GUARD, erasing.gone)
    context.on_unload(erasing.stop)


class Erasing:
    """What components have yet to forget: one account of each after the other."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._store = host.stores.components
        self._running: dict[str, Deferred[None]] = {}
        self._again: set[str] = set()
        """Components that have something more to forget than when that was read last."""

    def removed(self, account: JID) -> Deferred[None]:
        """An account is gone: fires when it is remembered who has to forget it."""
        host = self._host
        concerned = [
            name
            for name, settings in host.config.components.items()
            if concerned_by(settings) and host.components.grants(JID.parse(name), account.domain)
        ]

        def tell(_: None) -> None:
            for component in concerned:
                self.connected(component, "")

        return self._store.erase(concerned, account).addCallback(tell)

    def connected(self, component: str, instance: str) -> None:
        """Have a component that is there forget what it has to."""
        if component in self._running:
            self._again.add(component)
        elif component in self._host.components.connected:
            running = Deferred.fromCoroutine(self._run(component))
            if not running.called:
                self._running[component] = running
            running.addErrback(_failed, component).addBoth(self._done, component)

    def gone(self, component: str, instance: str) -> None:
        """What it has not forgotten waits until it comes back."""
        if component not in self._host.components.connected and component in self._running:
            self._running[component].cancel()

    def stop(self) -> None:
        """Ask nobody any more."""
        for running in list(self._running.values()):
            running.cancel()

    def _done(self, _: None, component: str) -> None:
        self._running.pop(component, None)
        self._again.discard(component)

    async def _run(self, component: str) -> None:
        while True:
            self._again.discard(component)
            accounts = await self._store.erasures(component, AT_A_TIME)
            for account in accounts:
                await self._erase(JID.parse(component), account)
            if not accounts and component not in self._again:
                return

    async def _erase(self, component: JID, account: JID) -> None:
        """Have each instance forget an account: one of them may have it in memory."""
        there = self._host.components.get(component)
        instances = [] if there is None else there.connected
        if not instances:
            raise RequestFailed("recipient-unavailable")
        for instance in instances:
            if instance.line is not None:
                await self._ask(component, instance.name, account)
        await self._store.erased(component, account)

    async def _ask(self, component: JID, instance: str, account: JID) -> None:
        host, server = self._host, JID.parse(account.domain)
        payload = Tag("removed", {"jid": str(account)}, ns=ns.ACCOUNTS)
        send = partial(host.components.tell, component, instance)
        try:
            await host.requests.ask(
                server, component, "set", payload, seconds=SECONDS, send=send, needed=True
            )
        except RequestFailed as failed:
            if failed.temporary or failed.condition not in UNKNOWN:
                raise


def _failed(failure: Failure, component: str) -> None:
    """It is told once more when it comes back."""
    if failure.check(RequestFailed):
        log.warn(
            "{component} has not forgotten a removed account: {condition}",
            component=component,
            condition=failure.getErrorMessage(),
        )
    elif not failure.check(CancelledError):
        log.failure("{component} was not told of removed accounts", failure, component=component)


def concerned_by(settings: config.Component) -> list[str]:
    """The keys by which a component wants to know, or may have learned anything of an account."""
    learns = {
        "accounts": settings.accounts,
        "delegation": bool(settings.delegation),
        "iq": bool(settings.iq),
        "roster": settings.roster != "none",
        "message": settings.message != "none",
        "presence": settings.presence != "none",
    }
    return [key for key, learned in learns.items() if learned]
