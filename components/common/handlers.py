"""wokkel's handlers on a component: whatever implements IXMPPHandler of Twisted.

    handlers = Handlers(component)
    PubSubService(resource).setHandlerParent(handlers)

They get what none of the component's own handlers takes, as trees of Twisted (domish). That costs
four times as much: a message is echoed in 35 us, in 8 as bytes; and each observer is an XPath
that is tried. So they are for what is seldom sent. What they do later is not waited for: to the
server a stanza is handled once they have been told of it.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.words.protocols.jabber import error, xmlstream
from twisted.words.protocols.jabber.jid import internJID
from twisted.words.xish import domish, utility

from components.common import compat
from components.common.component import Component, Passed
from components.common.requests import RequestFailed
from components.common.stanza import Stanza
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID

assert compat  # wokkel can be imported by who has imported this


def as_domish(stanza: Stanza) -> domish.Element:
    """A stanza as Twisted's tree."""
    found: list[domish.Element] = []
    stream: Any = domish.elementStream()
    stream.DocumentStartEvent = lambda root: None
    stream.ElementEvent = found.append
    stream.DocumentEndEvent = lambda: None
    kind = stanza.kind.encode()
    stream.parse(f"<x xmlns='{stanza.content}'>".encode())
    stream.parse(b"<%b>%b</%b>" % (kind, stanza.inner, kind))
    [element] = found
    for key, value in stanza.attrs.items():
        namespace, _, local = key.rpartition(" ")
        element[(namespace, local) if namespace else local] = value
    return element


class HandledStream(utility.EventDispatcher):
    """What a handler takes for its XML stream: observers, and a way out."""

    def __init__(self, component: Component) -> None:
        super().__init__()
        self._component = component
        self._callLater = component.clock.callLater  # which Twisted's own IQ asks for
        self.thisEntity = internJID(str(component.domain))
        self.otherEntity = internJID(str(component.servers[0]))

    def send(self, obj: object) -> None:
        """Send an element or its text; from the service itself where it says nothing else."""
        if domish.IElement.providedBy(obj):
            element: Any = obj
            if element.name in _KINDS and not element.hasAttribute("from"):
                element["from"] = str(self._component.domain)
            obj = element.toXml(defaultUri=ns.COMPONENT)
        self._component.send(obj if isinstance(obj, bytes) else str(obj).encode())


_KINDS = ("message", "presence", "iq")


class Handlers(xmlstream.XMPPHandlerCollection):
    """The handlers of a component. They are its only ones for what nobody else takes."""

    def __init__(self, component: Component) -> None:
        super().__init__()
        self._component = component
        self._stream: HandledStream | None = None
        component.on_open(self._opened)
        component.on_lost(self._lost)
        component.on_unknown_iq(self._iq)
        for register in (component.on_message, component.on_presence):
            register(self._tell)
        component.on_error(self._tell)
        component.on_stray_answer(self._tell)

    def addHandler(self, handler: Any) -> None:
        """Add a handler (`IXMPPHandlerCollection`)."""
        super().addHandler(handler)
        if self._stream is not None:
            handler.makeConnection(self._stream)
            handler.connectionInitialized()

    def send(self, obj: object) -> None:
        """Send an element, or its text: handlers call this."""
        (self._stream or HandledStream(self._component)).send(obj)

    def request(self, request: Any) -> Deferred[domish.Element]:
        """Send an IQ of wokkel's and have its result: handlers call this."""
        element = request.toElement()
        to = JID.parse(element.getAttribute("to") or str(self._component.servers[0]))
        sender = JID.parse(element.getAttribute("from") or str(self._component.domain))
        payload = "".join(
            child.toXml(defaultUri=ns.COMPONENT) for child in element.elements()
        ).encode()
        seconds = getattr(request, "timeout", None) or 30.0
        asked = self._component.ask(to, element["type"], payload, sender=sender, seconds=seconds)
        return asked.addCallbacks(as_domish, _in_its_words)

    def _opened(self, resumed: bool) -> None:
        if resumed and self._stream is not None:
            return
        self._gone()
        self._stream = stream = HandledStream(self._component)
        for handler in list(self):
            handler.makeConnection(stream)
            handler.connectionInitialized()

    def _lost(self, resumable: bool) -> None:
        if not resumable:
            self._gone()

    def _gone(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            reason = Failure(ConnectionLost())
            stream.dispatch(reason, xmlstream.STREAM_END_EVENT)
            for handler in list(self):
                handler.connectionLost(reason)

    def _tell(self, stanza: Stanza) -> None:
        self._told(as_domish(stanza))

    def _told(self, element: Any) -> bool:
        """Tell the handlers; whether one says that it has taken care of it."""
        element.handled = False
        if self._stream is not None:
            self._stream.dispatch(element)
        return bool(element.handled)

    def _iq(self, stanza: Stanza) -> Passed:
        if not self._told(as_domish(stanza)):
            payload = stanza.children[0]
            raise StanzaError("service-unavailable", reason="stanza.unhandled", detail=payload)
        return Passed.ON


def _in_its_words(failure: Failure) -> Failure:
    """The failure of a request as wokkel knows it."""
    failure.trap(RequestFailed)
    failed: Any = failure.value
    if failed.stanza is not None:
        return Failure(error.exceptionFromStanza(as_domish(failed.stanza)))
    if failed.condition == "remote-server-timeout":
        return Failure(xmlstream.TimeoutError("IQ timed out"))
    return Failure(error.StanzaError(failed.condition, text=failed.text))
