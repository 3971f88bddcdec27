"""A component's connection: its stream, and the instance that it speaks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd import ns
from xmppd.core.components.domain import Component
from xmppd.core.components.instance import SETTLING, Instance
from xmppd.core.host import Host
from xmppd.errors import StreamError
from xmppd.stream.component import Accepted, ComponentStream, Event, Proved
from xmppd.stream.events import Closed, Passed, Send
from xmppd.stream.states import State
from xmppd.wire.frames import Frame
from xmppd.wire.stanza import Nonza, Stanza

log = Logger()


class Wire(Protocol):
    """What carries a component's stream."""

    def write(self, data: bytes) -> None:
        """Send bytes; never blocks, never raises."""

    def unsent(self) -> int:
        """How many of the octets written the peer has not taken."""

    def authenticated(self) -> None:
        """It is a component: limits for strangers no longer apply."""

    def close(self) -> None:
        """Close, once what was written is out."""


class ComponentConnection:
    """Drives one `ComponentStream`. It is the `Line` of its instance."""

    def __init__(self, host: Host, wire: Wire, *, address: str) -> None:
        self._host = host
        self._wire = wire
        self.address = address
        policy = host.components.policy(host.config.limits)
        self.stream = ComponentStream(policy)
        self.instance: Instance | None = None
        self._component: Component | None = None
        self._proved = ""
        """The secret that it has proved to know."""
        self._contending = False
        """Whether its place is another's, which it has yet to show that it is."""
        seconds = host.config.limits.negotiation_seconds
        self._timer: IDelayedCall | None = host.clock.callLater(seconds, self._too_slow)
        host.component_connections.add(self)

    @property
    def who(self) -> str:
        """Whose stream it is, as it says at first."""
        return self.stream.domain or "a component"

    # ------------------------------------------------------------------ Carried

    def receive(self, data: bytes) -> None:
        """Take bytes from the component."""
        stream = self.stream
        try:
            if stream.flowing:
                self._take(stream.framer.feed(data))
            else:
                self._act(stream.receive(data))
        except StreamError as error:
            self.end(error)
        except Exception:  # noqa: BLE001 - a bug ends this stream, and no other
            log.failure("the stream of {who} met a bug", Failure(), who=self.who)
            self.end(StreamError("internal-server-error", reason="stream.internal"))

    def secured(self) -> None:
        """The TLS handshake is done: nothing here depends on it."""

    def end(self, error: StreamError) -> None:
        """End the stream with `error`."""
        self._act(self.stream.fail(error))

    def lost(self) -> None:
        """The wire is gone."""
        self.stream.lost()
        self._release()

    def clogged(self) -> None:
        """The component takes more slowly than it is sent."""
        if self.instance is not None:
            self.instance.clogged()

    def unclogged(self) -> None:
        """It has caught up."""
        if self.instance is not None:
            self.instance.unclogged()

    @property
    def most_unsent(self) -> int:
        """How many octets may wait for the component."""
        return 0 if self._component is None else self._component.settings.queue_octets

    # ------------------------------------------------------------------ Line

    def write(self, data: bytes) -> None:
        """Send bytes behind what was sent; nothing once the stream is closed."""
        if self.stream.state is not State.CLOSED:
            self._wire.write(data)

    def unsent(self) -> int:
        """How many of the octets written the component has not taken."""
        return self._wire.unsent()

    # ------------------------------------------------------------------ from the stream

    def _take(self, frames: Sequence[Frame]) -> None:
        component = self._component
        for frame in frames:
            instance = self.instance
            if frame.__class__ is Stanza and instance is not None and component is not None:
                component.take(instance, frame)
            elif (
                frame.__class__ is Nonza
                and instance is not None
                and frame.name.startswith(_MANAGEMENT)
            ):
                instance.nonza(frame)
            elif self._contending and isinstance(frame, Stanza | Nonza):
                self._contend(frame)
            else:
                self._act(self.stream.on_frame(frame))

    def _act(self, events: Iterable[Event]) -> None:
        for event in events:
            try:
                self._act_on(event)
            except StreamError as error:
                self.end(error)

    def _act_on(self, event: Event) -> None:
        if isinstance(event, Send):
            self._wire.write(event.data)
        elif isinstance(event, Passed):
            self._take(event.frames)
        elif isinstance(event, Proved):
            self._admit()
        elif isinstance(event, Accepted):
            self._enter()
        elif isinstance(event, Closed):
            self._closed(event.error)

    def _admit(self) -> None:
        """Have a place among the instances of its domain; raises StreamError for none."""
        component = self._host.components.get(self.stream.domain)
        assert component is not None  # it had a secret a moment ago
        self._component = component
        self._proved = component.settings.secret
        stream = self.stream
        stream.instance = component.admit(stream.instance, knows_more=stream.version >= (1, 0))

    def _enter(self) -> None:
        component = self._component
        assert component is not None
        self._no_timer()
        self._wire.authenticated()
        instance = component.place(self.stream.instance)
        if instance.line is None:
            self._begin(instance, component)
        else:
            self._contending = True
            self._timer = self._host.clock.callLater(SETTLING, self._contend)

    def _contend(self, said: Stanza | Nonza | None = None) -> None:
        """Have the place that is another connection's, which may be dead: that of one process.

        Who goes on with its stream is that (XEP-0198 §5); nobody else gets in while it is there.
        """
        component, stream = self._component, self.stream
        assert component is not None
        self._no_timer()
        self._contending = False
        rival = component.instances.get(stream.instance)
        line = rival.line if rival is not None and _resumes(rival, said) else None
        try:
            if self._host.components.get(stream.domain) is not component or (
                self._proved != component.settings.secret
            ):
                raise StreamError("reset", reason="component.new-secret")
            if line is not None:
                line.end(StreamError("conflict", reason="component.replaced"))
            component.admit(stream.instance, knows_more=False)
        except StreamError as error:
            self.end(error)
            return
        self._begin(component.place(stream.instance), component)
        if said is not None:
            self._take((said,))

    def _begin(self, instance: Instance, component: Component) -> None:
        stream = self.stream
        self.instance = instance
        log.info(
            "component {domain} is connected from {address}{name}",
            domain=stream.domain,
            address=self.address or "this machine",
            name=f" as {stream.instance}" if stream.instance else "",
        )
        component.enter(instance, self, knows_more=stream.version >= (1, 0))

    def _closed(self, error: StreamError | None) -> None:
        if error is not None:
            note = self._host.refusals.note
            note(error.reason, self.who, "", self.address, error.detail)
            log.info(
                "stream of component {who} from {address} ended: {error}",
                who=self.who,
                address=self.address or "this machine",
                error=str(error),
            )
        self._release()
        self._wire.close()

    def _release(self) -> None:
        """Let go of the instance and the timer; may be called more than once."""
        self._host.component_connections.discard(self)
        self._no_timer()
        self._contending = False
        instance, self.instance = self.instance, None
        if instance is not None and self._component is not None:
            log.info("component {domain} is gone", domain=instance.domain)
            self._component.leave(instance)

    def _no_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        self.end(StreamError("connection-timeout", reason="stream.timeout"))


def _resumes(instance: Instance, said: Stanza | Nonza | None) -> bool:
    return isinstance(said, Nonza) and instance.is_resumed_by(said)


_MANAGEMENT = f"{ns.STREAM_MANAGEMENT} "
