"""Nodes made over the wire (XEP-0060): created, subscribed to, filled; and what is published there.

Each is made once for a server, before the first row that needs it, and is kept on its disk.
"""

import itertools
import re
import time
from collections.abc import Callable, Iterable, Sequence

from benchmarks.client import DOMAIN, Client, LoadError, Script
from benchmarks.load import Crowd
from benchmarks.scripts import logging_in
from benchmarks.server import NODES, OWNERS, Server
from benchmarks.services import await_service
from benchmarks.work import Options, people, provide_accounts

GAZETTE = "gazette"
"""The node with many subscribers."""
SUBSCRIBERS = 1000
"""How many those are."""
LIBRARY = "library"
"""The node with many items."""
KEPT = 100
"""Items that a node keeps, but for the library."""

_PUBSUB = "http://jabber.org/protocol/pubsub"
_IN_FLIGHT = 16
"""Items under way at a time while a node is filled."""
_STALL = 1200.0
"""Seconds that this may take in all."""
_CONFIG = {
    "persist_items": "1",
    "access_model": "open",
    "send_last_published_item": "never",
}
_ANSWER = re.compile(rb"<iq(?=[^>]*id=.made.)[^>]*type=.(?:(result)|error).[^>]*>")
_ANSWERED = rb"<iq(?=[^>]*id=.p%d\.)[^>]*type=.(?:(result)|error)"
_STAMP = re.compile(rb" id='p(\d+)\.'")
_SUMMARY = "Two households, both alike in dignity, in fair Verona, where we lay our scene. " * 2

Stanza = Callable[[int], bytes]
"""Makes the request to publish the item of a number, stamped with the time."""


def publishing(node: str) -> Stanza:
    """Return what publishes an Atom entry of some 500 bytes (RFC 4287) to a node.

    Its title has the time in nanoseconds, which is the id as well, and the number.
    """
    rest = (
        f" </title><summary>{_SUMMARY}</summary><link rel='alternate' type='text/html' "
        "href='https://verona.example/2026/11/30/prologue'/><id>tag:verona.example,2026:prologue"
        "</id><published>2026-11-30T18:30:02Z</published><updated>2026-11-30T18:30:02Z</updated>"
        "</entry>"
    )
    return request(
        node, f" to='{NODES}'", "<entry xmlns='http://www.w3.org/2005/Atom'><title>", rest
    )


def request(node: str, to: str, before: str, after: str) -> Stanza:
    """Return what publishes to a node; stamp and number stand between two parts of the payload."""
    pubsub = f"<pubsub xmlns='{_PUBSUB}'><publish node='{node}'><item id='"
    head = f"'{to} type='set'>{pubsub}".encode()
    start, rest = f"'>{before}t=".encode(), f"{after}</item></publish></pubsub></iq>".encode()

    def publish(number: int) -> bytes:
        now = time.perf_counter_ns()
        return b"<iq id='p%d.%b%d%b%d %d%b" % (now, head, now, start, now, number, rest)

    return publish


def stamp(stanza: bytes) -> int:
    """Return the time in nanoseconds at which a request to publish was made."""
    match = _STAMP.search(stanza)
    assert match is not None
    return int(match[1])


def retrieving(node: str, attributes: str, inner: str = "") -> Callable[[], bytes]:
    """Return what asks for items of a node (section 6.5)."""
    items = f"<items node='{node}'{attributes}>{inner}</items>"
    tail = f"' to='{NODES}' type='get'><pubsub xmlns='{_PUBSUB}'>{items}</pubsub></iq>".encode()
    return lambda: b"<iq id='p%d.%b" % (time.perf_counter_ns(), tail)


def diary(owner: str) -> str:
    """Return the name of the node that is an owner's own."""
    return f"diary-{owner}"


def provide_gazette(server: Server, options: Options) -> None:
    """Make the node with many subscribers, and these."""
    subscribers = people(SUBSCRIBERS)
    _provide_owners(server, options)
    provide_accounts(server, subscribers, options.concurrency)
    if GAZETTE in server.nodes:
        return
    with server, Crowd(server.address) as crowd:
        _create(crowd, OWNERS[:1], lambda _: GAZETTE, KEPT)
        crowd.play(subscribers, _subscribing, options.concurrency)
    server.nodes.add(GAZETTE)


def provide_diaries(server: Server, options: Options) -> None:
    """Make a node for each owner."""
    _provide_owners(server, options)
    if diary(OWNERS[0]) in server.nodes:
        return
    with server, Crowd(server.address) as crowd:
        _create(crowd, OWNERS, diary, KEPT)
    server.nodes.update(map(diary, OWNERS))


def provide_library(server: Server, options: Options) -> None:
    """Make the node with many items, numbered from 1."""
    _provide_owners(server, options)
    provide_accounts(server, people(options.users), options.concurrency)
    if LIBRARY in server.nodes:
        return
    with server, Crowd(server.address) as crowd:
        _create(crowd, OWNERS[:1], lambda _: LIBRARY, options.items)
        first = publishing(LIBRARY)(1)
        _publish_all(crowd, [first])
    if not server.multiply(LIBRARY, stamp(first), options.items):
        with server, Crowd(server.address) as crowd:
            crowd.play(OWNERS[:1], logging_in(None), 1)
            await_service(crowd, NODES)
            publish = publishing(LIBRARY)
            _publish_all(crowd, map(publish, range(2, options.items + 1)))
    server.nodes.add(LIBRARY)


def _provide_owners(server: Server, options: Options) -> None:
    provide_accounts(server, OWNERS, options.concurrency)


def _create(crowd: Crowd, owners: Sequence[str], name: Callable[[str], str], most: int) -> None:
    """Log owners in and have each create its node, which keeps `most` items (section 8.1.3).

    One after the other: ejabberd fails when two are made at a time.
    """
    crowd.play(owners, logging_in(None), len(owners))
    await_service(crowd, NODES)
    fields = {f"pubsub#{key}": value for key, value in _CONFIG.items()}
    fields |= {"FORM_TYPE": f"{_PUBSUB}#node_config", "pubsub#max_items": str(most)}
    form = "".join(f"<field var='{k}'><value>{v}</value></field>" for k, v in fields.items())
    configure = f"<configure><x xmlns='jabber:x:data' type='submit'>{form}</x></configure>"

    def script(client: Client) -> Script:
        return _asking(client, f"<create node='{name(client.user)}'/>{configure}")

    crowd.go_on(list(crowd.clients.values()), script, 1)


def _subscribing(client: Client) -> Script:
    """Log in and subscribe by bare JID (section 6.1)."""
    yield from logging_in(None)(client)
    yield from _asking(client, f"<subscribe node='{GAZETTE}' jid='{client.user}@{DOMAIN}'/>")


def _asking(client: Client, what: str) -> Script:
    pubsub = f"<pubsub xmlns='{_PUBSUB}'>{what}</pubsub>"
    client.send(f"<iq type='set' id='made' to='{NODES}'>{pubsub}</iq>".encode())
    answer = yield _ANSWER
    assert answer is not None
    if answer[1] is None:
        raise LoadError(f"{client.user}: {what} is refused: {answer.string[-300:]!r}")


def _publish_all(crowd: Crowd, stanzas: Iterable[bytes]) -> None:
    """Have the only client publish items, some of them under way at a time."""
    left = iter(stanzas)

    def script(client: Client) -> Script:
        while some := list(itertools.islice(left, _IN_FLIGHT)):
            client.send(b"".join(some))
            answer = yield re.compile(_ANSWERED % stamp(some[-1]))
            assert answer is not None
            if b"error" in answer.string[: answer.end()]:
                raise LoadError(f"{client.user}: not published: {answer.string[-300:]!r}")

    crowd.go_on(list(crowd.clients.values()), script, 1, stall=_STALL)
