"""A component's domain: where the stanzas for it go."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from xmppd.config import Component as Settings
from xmppd.core.components.instance import Instance, Line
from xmppd.errors import StanzaError, StreamError
from xmppd.wire.stanza import Stanza


class Component:
    """A domain that the configuration leaves to a component.

    `make` gives an `Instance` of a name. `told` is called with an instance that is there, or is
    gone, and whether it is.
    """

    def __init__(
        self,
        domain: str,
        settings: Settings,
        make: Callable[[Component, str], Instance],
        told: Callable[[Instance, bool], Any],
    ) -> None:
        self.domain = domain
        self.settings = settings
        self.instances: dict[str, Instance] = {}
        self._make = make
        self._told = told

    @property
    def connected(self) -> list[Instance]:
        """The instances that are there."""
        return [each for each in self.instances.values() if each.line is not None]

    # ------------------------------------------------------------------ stanzas

    def route(self, stanza: Stanza) -> None:
        """Take a stanza for the domain to who serves it; raises StanzaError."""
        for instance in self.instances.values():
            instance.deliver(stanza)
            return
        raise StanzaError("service-unavailable", reason="component.absent", type="wait")

    # ------------------------------------------------------------------ who is there

    def admit(self, name: str) -> str:
        """Make room for an instance that has proved itself; by which name it goes from here on.

        A name tells instances of one domain apart. Where there is to be but one it means nothing,
        and who gives none among several gets one. Raises StreamError where there is no room.
        """
        settings = self.settings
        name = (name or secrets.token_hex(4)) if settings.instances > 1 else ""
        instance = self.instances.get(name)
        if instance is not None and instance.line is not None:
            if settings.conflict == "refuse":
                raise StreamError("conflict", reason="component.conflict")
            instance.line.end(StreamError("conflict", reason="component.replaced"))
        elif instance is None and len(self.connected) >= settings.instances:
            raise StreamError("resource-constraint", reason="component.instances")
        return name

    def place(self, name: str) -> Instance:
        """The instance of a name, which may have left something behind."""
        instance = self.instances.get(name)
        if instance is None:
            instance = self.instances[name] = self._make(self, name)
        return instance

    def enter(self, instance: Instance, line: Line, *, knows_more: bool) -> None:
        """Have an instance connected by `line`; see `Instance.connect`."""
        instance.connect(line, knows_more=knows_more)
        self._told(instance, True)

    def leave(self, instance: Instance) -> None:
        """The connection of an instance is gone."""
        if not instance.disconnect():
            self.forget(instance)
        self._told(instance, False)

    def forget(self, instance: Instance) -> None:
        """An instance is not expected back."""
        if self.instances.get(instance.name) is instance:
            del self.instances[instance.name]

    def close(self, error: StreamError) -> None:
        """The domain is no component's any more."""
        for instance in list(self.instances.values()):
            if instance.line is not None:
                instance.line.end(error)
            instance.give_up("component.gone")
            self.forget(instance)
