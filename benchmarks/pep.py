"""Personal eventing (XEP-0163): what users publish, told to those contacts whose clients want it.

Clients say what they want in their capabilities (XEP-0115), and prove it when they are asked.
"""

import base64
import hashlib
import re
import time
from collections.abc import Callable, Sequence

from benchmarks.chat import exchanged
from benchmarks.client import Client, LoadError, Script
from benchmarks.load import Crowd
from benchmarks.nodes import Stanza, request
from benchmarks.notifications import IN_FLIGHT, Notifications
from benchmarks.rosters import subscribe
from benchmarks.scripts import opening, roster
from benchmarks.server import NODES, Server
from benchmarks.services import await_service
from benchmarks.work import Measure, Options, people, provide_accounts, security

CONTACTS = 200
"""Contacts of each of those who publish; every other one wants to be told."""
_PUBLISHERS = people(4, "orsino")
_SCOUTS = people(2, "curio")
"""Users of both kinds of clients, who have no contacts."""
_CONTACT = "viola"
_START = 30.0
"""Seconds in which a server has to find out what clients want."""
_TUNE = "http://jabber.org/protocol/tune"
_DISCO = "http://jabber.org/protocol/disco#info"
_CAPS = "http://jabber.org/protocol/caps"
_NODE = "https://illyria.example/client"
_ASKED = re.compile(
    rb"<iq\b(?=[^>]*\btype=.get.)(?=[^>]*\bid=(['\"])(?P<id>.*?)\1)"
    rb"(?=[^>]*\bfrom=(['\"])(?P<by>.*?)\3)[^>]*>\s*"
    rb"<query\b(?=[^>]*disco#info)(?:(?=[^>]*\bnode=(['\"])(?P<node>.*?)\5))?[^>]*>"
)


def _features(interested: bool) -> list[str]:
    return sorted([_CAPS, _DISCO, *([f"{_TUNE}+notify"] if interested else [])])


def _hash(interested: bool) -> str:
    """Return the verification string of such a client (XEP-0115 section 5.1)."""
    said = "".join(f"{part}<" for part in ("client/pc//Illyria", *_features(interested)))
    return base64.b64encode(hashlib.sha1(said.encode()).digest()).decode()


class _Audience:
    """Clients with capabilities, who answer what they are asked of them; and events that came."""

    def __init__(self, interested: Callable[[Client], bool]) -> None:
        self._interested = interested
        self._cut: dict[int, bytes] = {}
        self.events = 0

    def script(self, client: Client) -> Script:
        """Log in, get the roster, and become available with capabilities."""
        yield from opening(client, None)
        yield from roster(client)
        client.hear = lambda data: self._hear(client, data)
        ver = _hash(self._interested(client))
        caps = f"<c xmlns='{_CAPS}' hash='sha-1' node='{_NODE}' ver='{ver}'/>"
        client.send(f"<presence>{caps}</presence>".encode())

    def _hear(self, client: Client, data: bytes) -> None:
        data, end = self._cut.get(client.fd, b"") + data, 0
        for match in _ASKED.finditer(data):
            end = match.end()
            client.send(_told(match, _features(self._interested(client))))
        complete = data.rfind(b"</message>") + 1
        self.events += data.count(b"</message>")
        self._cut[client.fd] = data[max(end, complete) :][-1000:]


def _told(match: re.Match[bytes], features: Sequence[str]) -> bytes:
    inner = "<identity category='client' type='pc' name='Illyria'/>"
    inner += "".join(f"<feature var='{feature}'/>" for feature in features)
    node = b" node='%b'" % match["node"] if match["node"] else b""
    return b"<iq type='result' id='%b' to='%b'><query xmlns='%b'%b>%b</query></iq>" % (
        match["id"],
        match["by"],
        _DISCO.encode(),
        node,
        inner.encode(),
    )


def _wants(client: Client) -> bool:
    """Whether a client asks for tunes: those of every other contact do, and of publishers none."""
    return client.user not in _PUBLISHERS and client.user[-1] in "02468"


def provide(server: Server, options: Options) -> None:
    """Make those who publish, and their contacts, unless they are there."""
    contacts = people(CONTACTS, _CONTACT)
    provide_accounts(server, [*contacts, *_PUBLISHERS, *_SCOUTS], options.concurrency)
    if _CONTACT in server.rosters:
        return
    pairs = [(publisher, contact) for publisher in _PUBLISHERS for contact in contacts]
    with server, Crowd(server.address) as crowd:
        subscribe(crowd, [*contacts, *_PUBLISHERS], pairs, options.concurrency)
    server.rosters.add(_CONTACT)


def playing() -> Stanza:
    """Return what publishes a tune (XEP-0118) at the publisher's own account."""
    before = f"<tune xmlns='{_TUNE}'><artist>Feste</artist><length>244</length><rating>8</rating>"
    before += "<source>Twelfth Night</source><title>"
    return request(_TUNE, "", before, " O mistress mine</title><track>2</track></tune>")


def telling(server: Server, options: Options) -> Measure:
    """Return the row: users publish to all their contacts, half of whom want to be told.

    Scouts come before, so that the server knows what both kinds of clients want.
    """
    audience = _Audience(_wants)
    with Crowd(server.address) as crowd:
        crowd.play(_SCOUTS, audience.script, 1)
        await_service(crowd, NODES)
        crowd.drain(1.0)
        crowd.play(people(CONTACTS, _CONTACT), audience.script, options.concurrency)
        crowd.play(_PUBLISHERS, audience.script, options.concurrency)
        crowd.drain(2.0)
        clients = {client.user: client for client in crowd.clients.values()}
        told = [clients[user] for user in people(CONTACTS, _CONTACT) if _wants(clients[user])]
        publishers = [(clients[user], playing()) for user in _PUBLISHERS]
        copies = _rehearse(crowd, audience, publishers, len(told))
        own = copies > len(told)
        notifications = Notifications(crowd, server, publishers, told, own)
        outcome = notifications.closed(IN_FLIGHT, options.warm_up, options.seconds)
        return exchanged(outcome, {"copies": copies, "security": security(crowd)})


def _rehearse(
    crowd: Crowd, audience: _Audience, publishers: Sequence[tuple[Client, Stanza]], told: int
) -> int:
    """Have each publish until all are told who want to be; return how many notifications came each.

    The server learns by and by who wants what. It may tell a publisher, too, who does not want it.
    """
    end = time.perf_counter() + _START
    while True:
        audience.events = 0
        for client, publish in publishers:
            client.send(publish(0))
        crowd.drain(1.0)
        copies, odd = divmod(audience.events, len(publishers))
        if not odd and copies in (told, told + 1):
            return copies
        if time.perf_counter() > end:
            raise LoadError(f"{audience.events} notifications of {len(publishers)} items")
