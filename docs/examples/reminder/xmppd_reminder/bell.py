"""Sends reminders at their time, and forgets each once the server has it.

Whatever happens between the two, it is sent once more: nobody waits in vain, and who is reminded
twice sees by the id of the message that it is the same.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from components.common.component import Component
from components.common.requests import RequestFailed
from xmppd.errors import StoreError
from xmppd_reminder.store import SQLReminders

log = Logger(namespace="reminder")

AT_ONCE = 100
"""How many are sent before the server is asked whether it has them."""

LOOK = 60.0
"""Seconds after which it looks at the latest: somebody may have set the clock meanwhile."""

AGAIN = 5.0
"""Seconds until the next attempt, where something failed."""


class Bell:
    """Looks what is due; `look` has it do so now."""

    def __init__(self, component: Component, reminders: SQLReminders, clock: IReactorTime) -> None:
        self._component = component
        self._reminders = reminders
        self._clock = clock
        self._timer: IDelayedCall | None = None
        self._ringing = False
        component.on_open(lambda resumed: self.look())
        component.on_stop(self._stop)

    def look(self) -> None:
        """Send what is due, and see when the next one is."""
        if not self._ringing and self._component.connected:
            self._ringing = True
            self._stop()
            Deferred.fromCoroutine(self._look()).addErrback(
                lambda failure: log.failure("the bell met a bug", failure)
            )

    async def _look(self) -> None:
        wait = AGAIN
        try:
            while sent := await self._send():
                log.info("{count} reminders were sent", count=sent)
            due = await self._reminders.next()
            wait = LOOK if due is None else min(max(due - self._clock.seconds(), 0.0), LOOK)
        except (RequestFailed, StoreError) as error:
            log.warn("what is due will be sent later: {error}", error=error)
        finally:
            self._ringing = False
            self._timer = self._clock.callLater(wait, self.look)

    async def _send(self) -> int:
        due = await self._reminders.due(self._clock.seconds(), AT_ONCE)
        for each in due:
            body = f"Reminder: {each.content}"
            self._component.message(each.owner, body, type_="chat", id_=f"reminder-{each.id}")
        if due:
            await self._component.acknowledged()
            await self._reminders.forget(each.id for each in due)
        return len(due)

    def _stop(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
