"""Rosters made over the wire, by the clients themselves (RFC 6121 sections 2 and 3).

Both of a pair subscribe and both say yes. Accounts with rosters are others than those of the
rows without: these stay as they are.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from benchmarks.client import DOMAIN, Client, LoadError, Script
from benchmarks.load import Crowd
from benchmarks.scripts import arriving, roster
from benchmarks.server import Server
from benchmarks.work import Options, people, provide_accounts

HOST = "laurence"
"""The account with the big roster."""
GUEST = "capulet"
"""What the accounts are called that it shares presence with."""
_FRIEND = "romeo"

_IN_FLIGHT = 32
"""Pairs that subscribe to each other at a time."""
_STALL = 1200.0
"""Seconds that the pairs may take in all; servers that write a file for each step need them."""
_SETS = 50
"""Roster sets that go out together."""
_TAG = re.compile(rb"<(presence|iq|item)\b([^>]*)>")
_ATTRIBUTE = re.compile(rb"([\w:]+)=(?:'([^']*)'|\"([^\"]*)\")")
_BOTH = re.compile(rb"subscription=.both.")
_LAST_SET = re.compile(rb"<iq(?=[^>]*id=.last.)[^>]*type=.(?:(result)|error).[^>]*>")


def friends(options: Options) -> list[str]:
    """Return the accounts whose rosters are the ring."""
    return people(options.users, _FRIEND)


def ring(users: Sequence[str], contacts: int) -> list[tuple[str, str]]:
    """Pair each user with the `contacts` nearest on a ring, half of them on each side."""
    half = min(contacts // 2, (len(users) - 1) // 2)
    return [
        (user, users[(place + distance) % len(users)])
        for distance in range(1, half + 1)
        for place, user in enumerate(users)
    ]


def provide_ring(server: Server, options: Options) -> None:
    """Make the accounts and rosters of the ring, unless they are there."""
    users = friends(options)
    provide_accounts(server, users, options.concurrency)
    if _FRIEND in server.rosters:
        return
    pairs = ring(users, options.contacts)
    with server, Crowd(server.address) as crowd:
        subscribe(crowd, users, pairs, options.concurrency)
    server.rosters.add(_FRIEND)


def provide_big(server: Server, options: Options) -> None:
    """Make the account with the big roster: first its guests, then names without subscription."""
    guests = people(options.users, GUEST)
    provide_accounts(server, [HOST, *guests], options.concurrency)
    if HOST in server.rosters:
        return
    names = people(options.roster_items - len(guests), "acquaintance")
    with server, Crowd(server.address) as crowd:
        subscribe(crowd, [HOST, *guests], [(HOST, guest) for guest in guests], options.concurrency)
        host = next(client for client in crowd.clients.values() if client.user == HOST)
        crowd.go_on([host], lambda client: _setting(client, names), 1, stall=1200.0)
        crowd.go_on([host], roster, 1)
        items = host.contacts.count(b"<item")
        if items != options.roster_items:
            raise LoadError(f"{HOST}: {items} contacts, and not {options.roster_items}")
    server.rosters.add(HOST)


def _setting(client: Client, names: Iterable[str]) -> Script:
    """Put names on the roster by roster sets, some at a time; none of them gets a subscription."""
    left = iter(names)
    while some := list(itertools.islice(left, _SETS)):
        sets = [_set("last" if name == some[-1] else name, name) for name in some]
        client.send("".join(sets).encode())
        answer = yield _LAST_SET
        assert answer is not None
        if answer[1] is None:
            raise LoadError(f"{client.user}: roster set refused: {answer[0]!r}")


def _set(identity: str, name: str) -> str:
    return (
        f"<iq type='set' id='{identity}'><query xmlns='jabber:iq:roster'>"
        f"<item jid='{name}@{DOMAIN}' name='{name.title()}'><group>Verona</group></item>"
        "</query></iq>"
    )


def subscribe(
    crowd: Crowd, users: Sequence[str], pairs: Sequence[tuple[str, str]], concurrency: int
) -> None:
    """Log the users in and have each pair subscribe to each other; they stay logged in.

    Raises LoadError when a roster that is fetched afterwards lacks one of them.
    """
    crowd.play(users, arriving, concurrency)
    work = _Subscribing(crowd, pairs)
    crowd.until(lambda: work.done, _STALL, "subscriptions")
    crowd.drain(0.5)
    crowd.go_on(crowd.clients.values(), roster, concurrency)
    for client in crowd.clients.values():
        expected = sum(client.user in pair for pair in pairs)
        if (both := len(_BOTH.findall(client.contacts))) != expected:
            raise LoadError(f"{client.user}: {both} contacts, and not {expected}")


class _Subscribing:
    """Pairs on their way to a subscription in both directions, a few at a time."""

    def __init__(self, crowd: Crowd, pairs: Sequence[tuple[str, str]]) -> None:
        self._clients = {client.user: client for client in crowd.clients.values()}
        self._waiting: Iterator[tuple[str, str]] = iter(pairs)
        self._under_way: set[tuple[str, str]] = set()
        self._both: set[tuple[str, str]] = set()
        self._asked: set[tuple[str, str]] = set()
        self._cut: dict[str, bytes] = {}
        for client in crowd.clients.values():
            self._listen(client)
        self._start_more()

    @property
    def done(self) -> bool:
        """Whether no pair is left."""
        return not self._under_way

    def _listen(self, client: Client) -> None:
        self._hear(client, client.contacts)
        client.hear = lambda data: self._hear(client, data)

    def _start_more(self) -> None:
        while len(self._under_way) < _IN_FLIGHT:
            pair = next(self._waiting, None)
            if pair is None:
                return
            if not self._complete(pair):
                self._under_way.add(pair)
                self._ask(*pair)

    def _complete(self, pair: tuple[str, str]) -> bool:
        return pair in self._both and pair[::-1] in self._both

    def _ask(self, user: str, contact: str) -> None:
        if (user, contact) not in self._asked:
            self._asked.add((user, contact))
            self._presence(user, contact, "subscribe")

    def _presence(self, user: str, contact: str, kind: str) -> None:
        self._clients[user].send(f"<presence to='{contact}@{DOMAIN}' type='{kind}'/>".encode())

    def _hear(self, client: Client, data: bytes) -> None:
        """Take what came: all that matters stands in start tags; a cut one waits for its rest."""
        data, end = self._cut.get(client.user, b"") + data, 0
        for match in _TAG.finditer(data):
            end = match.end()
            found = _ATTRIBUTE.findall(match[2])
            self._take(client, match[1], {name: one or other for name, one, other in found})
        self._cut[client.user] = data[max(end, data.rfind(b"<")) :]

    def _take(self, client: Client, tag: bytes, attributes: dict[bytes, bytes]) -> None:
        kind = attributes.get(b"type")
        if tag == b"presence" and kind == b"subscribe":
            contact = _account(attributes[b"from"])
            self._presence(client.user, contact, "subscribed")
            self._ask(client.user, contact)
        elif tag == b"iq" and kind == b"set":
            client.send(b"<iq type='result' id='%b'/>" % attributes[b"id"])
        elif tag == b"item" and attributes.get(b"subscription") == b"both":
            contact = _account(attributes[b"jid"])
            self._both.add((client.user, contact))
            for pair in ((client.user, contact), (contact, client.user)):
                if pair in self._under_way and self._complete(pair):
                    self._under_way.remove(pair)
                    self._start_more()


def _account(jid: bytes) -> str:
    return jid.partition(b"@")[0].decode()
