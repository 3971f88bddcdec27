"""A client that is written with wokkel, as a program that does what it is told.

    python -m tests.support.wokkel_reader PORT AUTHORITY JID PASSWORD

A line of JSON on its standard input is a call of `PubSubClient`, or a request by its verb; one on
its standard output is the outcome, or an event that has come.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import components.common.compat  # noqa: F401  # before wokkel

# isort: split
from twisted.internet import endpoints, ssl, stdio, task
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.protocols.basic import LineReceiver
from twisted.words.protocols.jabber import client
from twisted.words.protocols.jabber.error import StanzaError
from twisted.words.protocols.jabber.jid import JID
from twisted.words.xish import domish
from wokkel import data_form, pubsub
from wokkel.subprotocols import StreamManager

PLAY = "urn:example:play"


class Reader(pubsub.PubSubClient):  # type: ignore[misc]
    """Tells of all that comes by `tell`."""

    tell: Any

    def connectionInitialized(self) -> None:
        super().connectionInitialized()
        presence = domish.Element((None, "presence"))
        self.send(presence)
        self.tell(here=self.parent.factory.authenticator.jid.full())

    def itemsReceived(self, event: Any) -> None:
        items = [[each.name, each.getAttribute("id"), text(each)] for each in event.items]
        self._event(event, "items", items=items, subids=sorted(event.headers.get("SubID", ())))

    def deleteReceived(self, event: Any) -> None:
        self._event(event, "delete", uri=getattr(event, "redirectURI", None))

    def purgeReceived(self, event: Any) -> None:
        self._event(event, "purge")

    def _event(self, event: Any, kind: str, **more: Any) -> None:
        self.tell(event=kind, sender=event.sender.full(), node=event.nodeIdentifier, **more)


def text(item: Any) -> str:
    """What the payload of an item says."""
    return "".join(str(each) for each in item.elements())


def item(id_: str, said: str) -> pubsub.Item:
    """An item to publish."""
    payload = domish.Element((PLAY, "act"))
    payload.addContent(said)
    return pubsub.Item(id_ or None, payload)


def plain(outcome: Any) -> Any:
    """An outcome as JSON."""
    if isinstance(outcome, pubsub.Subscription):
        return [outcome.nodeIdentifier, outcome.subscriber.full(), outcome.state]
    if isinstance(outcome, domish.Element):
        return None if outcome.name == "iq" else [outcome.getAttribute("id"), text(outcome)]
    if isinstance(outcome, data_form.Form):
        return dict(outcome)
    return [plain(each) for each in outcome] if isinstance(outcome, list) else outcome


class Lines(LineReceiver):
    """Standard input and output."""

    delimiter = b"\n"

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        reader.tell = self.tell

    def tell(self, **what: Any) -> None:
        """Write a line."""
        self.sendLine(json.dumps(what).encode())

    def lineReceived(self, line: bytes) -> None:
        asked = json.loads(line)
        does = self._request if asked["does"] == "request" else self._call
        done = maybeDeferred(does, asked)
        done.addCallbacks(lambda outcome: self.tell(done=plain(outcome)), self._failed)

    def _call(self, asked: dict[str, Any]) -> Any:
        """A method of `PubSubClient`."""
        more = dict(asked["how"])
        if "items" in more:
            more["items"] = [item(*each) for each in more["items"]]
        if "subscriber" in more:
            more["subscriber"] = JID(more["subscriber"])
        method = getattr(self.reader, asked["does"])
        return method(JID(asked["service"]), nodeIdentifier=asked["node"], **more)

    def _request(self, asked: dict[str, Any]) -> Any:
        """What `PubSubClient` has no method for."""
        more = dict(asked["how"])
        request = pubsub.PubSubRequest(more.pop("verb"))
        request.recipient = JID(asked["service"])
        request.nodeIdentifier = asked["node"]
        for name, value in more.items():
            setattr(request, name, value)
        return request.send(self.reader.xmlstream)

    def _failed(self, failure: Any) -> None:
        failure.trap(StanzaError)
        error = failure.value
        specific = error.appCondition.name if error.appCondition is not None else ""
        self.tell(failed=[error.condition, specific] if specific else [error.condition])


def main(reactor: Any, port: str, authority: str, jid: str, password: str) -> Deferred[None]:
    """Log in, and do what comes until somebody ends it."""
    certificate = ssl.Certificate.loadPEM(Path(authority).read_bytes())
    trusted = ssl.trustRootFromCertificates([certificate])
    tls = ssl.optionsForClientTLS(JID(jid).host, trustRoot=trusted)
    factory = client.XMPPClientFactory(JID(jid), password, tls)
    manager = StreamManager(factory, reactor)
    reader = Reader()
    reader.setHandlerParent(manager)
    stdio.StandardIO(Lines(reader), reactor=reactor)
    endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port)).connect(factory)
    return Deferred()


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
