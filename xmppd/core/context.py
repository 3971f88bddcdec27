"""The one object through which a module touches the server, and the record of what it did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from xmppd.core.disco import Holds, Identity
from xmppd.core.forms import Form
from xmppd.core.hooks import Concerned, Gate, Hooks, Point
from xmppd.core.host import EarlyResponder, Host, NonzaResponder, OpenResponder
from xmppd.core.iq import On, Responder
from xmppd.core.residents import Load
from xmppd.phases import Phase
from xmppd.stream.features import Feature

log = Logger()

H = TypeVar("H", bound=Callable[..., Any])


class ClaimedError(ValueError):
    """A module wants to answer what another module answers already."""

    def __init__(self, what: str, holder: str) -> None:
        super().__init__(f"{what} has a responder already, the module {holder}")


class ModuleContext:
    """What a module is given when it is loaded.

    Every method that changes the server records how to take the change back; `undo` is the record
    backwards, so a module needs no code for its own unloading.
    """

    def __init__(self, host: Host, name: str) -> None:
        self.host = host
        self.name = name
        self._undo: list[Callable[[], Any]] = []

    @property
    def hooks(self) -> Hooks:
        """The points there are to hook into, for `hook`."""
        return self.host.hooks

    def hook(
        self, point: Point[H], phase: Phase, handler: H, concerned: Concerned | None = None
    ) -> None:
        """Hook `handler` into `point`, one of `hooks`, at `phase`.

        `concerned` tells whom it has to see for of what is sent to many; see `core.hooks`.
        """
        self._undo.append(point.add(phase, handler, concerned))

    def gate(
        self, point: Point[H], phase: Phase, handler: H, concerned: Concerned | None = None
    ) -> Gate:
        """A hook like `hook` that is in force only while its `Gate` is open; closed at first."""
        gate = Gate(lambda: point.add(phase, handler, concerned))
        self._undo.append(lambda: gate.open(False))
        return gate

    def keep(self, key: object, load: Load) -> None:
        """Keep in `Resident.data[key]` what `load` reads of each account that is in memory.

        An account that is there already gets it when it is read next.
        """
        self._reserve("keep", key)
        loads = self.host.residents.loads
        loads[key] = load
        self._undo.append(lambda: loads.pop(key))

    def iq(self, on: On, type_: str, payload: str, responder: Responder) -> None:
        """Have `responder` answer IQs of `type_` whose payload is ``"namespace local"``.

        Raises ClaimedError where another module does; so do `nonza` and `open_request`.
        """
        self._reserve("iq", on.name.lower(), type_, payload)
        self._undo.append(self.host.router.iq.add(on, type_, payload, responder))

    def advertise(self, feature: str, *on: On, when: Holds = lambda domain: True) -> None:
        """Name `feature` in service discovery, of the server by default.

        `when` tells of which of its domains that is true.
        """
        for addressee in on or (On.HOST,):
            self._undo.append(self.host.advertised.add(addressee, feature, when))

    def identity(self, on: On, identity: Identity) -> None:
        """Add an identity to service discovery."""
        self._announce(self.host.advertised.identities[on], identity)

    def form(self, make: Callable[[], Form | None]) -> None:
        """Add a form to the server's disco#info (XEP-0128); `make` gives None to leave it out."""
        self._announce(self.host.advertised.forms, make)

    def items(self, make: Callable[[], list[str]]) -> None:
        """Add to what the server's domains list in disco#items: the JIDs that `make` gives."""
        self._announce(self.host.advertised.items, make)

    def feature(self, feature: Feature) -> None:
        """Offer a stream feature."""
        self.host.features.append(feature)
        self.host.changed()
        self._undo.append(lambda: self._take_back(self.host.features.remove, feature))

    def nonza(self, name: str, responder: NonzaResponder) -> None:
        """Have `responder` act on a top-level element that is no stanza."""
        self._reserve("nonza", name)
        self._claim(self.host.nonzas, name, responder)

    def early_nonza(self, name: str, responder: EarlyResponder) -> None:
        """Have `responder` act on one of a client that has authenticated and has no session yet."""
        self._reserve("early nonza", name)
        self._claim(self.host.early_nonzas, name, responder)

    def open_request(self, payload: str, responder: OpenResponder) -> None:
        """Have `responder` answer an IQ that may come before a client has logged in."""
        self._reserve("request before login", payload)
        self._claim(self.host.open_requests, payload, responder)

    def every(self, seconds: float, work: Callable[[], Any]) -> None:
        """Do `work` every so many seconds; a failure is logged and does not stop the next.

        Where `work` gives a Deferred, the next waits for it.
        """

        def guarded() -> Deferred[Any]:
            return maybeDeferred(work).addErrback(
                lambda failure: log.failure(
                    "periodic work of {module} failed", failure, module=self.name
                )
            )

        loop = LoopingCall(guarded)
        loop.clock = self.host.clock
        loop.start(seconds, now=False)
        self._undo.append(loop.stop)

    def on_unload(self, work: Callable[[], Any]) -> None:
        """Do `work` when the module is unloaded: what it has put where no other record is kept."""
        self._undo.append(work)

    def undo(self) -> None:
        """Take back all that was done through this context, the last first."""
        while self._undo:
            take_back = self._undo.pop()
            try:
                take_back()
            except Exception:  # noqa: BLE001 - the rest is taken back all the same
                log.failure("module {module} could not be unloaded cleanly", module=self.name)

    def _announce(self, announced: list[Any], item: Any) -> None:
        announced.append(item)
        self.host.advertised.changed()

        def withdraw() -> None:
            announced.remove(item)
            self.host.advertised.changed()

        self._undo.append(withdraw)

    def _reserve(self, *what: object) -> None:
        """Note that this module answers `what`, which nobody else may."""
        claims = self.host.claims
        if what in claims:
            raise ClaimedError(" ".join(map(str, what)), claims[what])
        claims[what] = self.name
        self._undo.append(lambda: claims.pop(what))

    def _claim(self, table: dict[str, Any], name: str, responder: Any) -> None:
        table[name] = responder
        self.host.changed()
        self._undo.append(lambda: self._take_back(table.pop, name))

    def _take_back(self, remove: Callable[[Any], Any], item: Any) -> None:
        remove(item)
        self.host.changed()
