"""Another server of many domains, simulated: it takes streams and opens some, by dialback.

It is a load generator's: no TLS, no XML library, and whoever comes is whom he claims to be, unless
it is told to ask (XEP-0220). What it hears of stanzas it leaves to others.
"""

import contextlib
import itertools
import re
import select
import socket
import time
from collections.abc import Callable

from benchmarks.client import DOMAIN, Client, LoadError
from benchmarks.load import Crowd
from benchmarks.names import NameServer
from benchmarks.server import REMOTE, SHUT, Server

SILENT, SLOW = "silent", "slow"
"""How names of domains begin that never answer a stream's header, or late."""
LATE = 5.0
"""After how many seconds those do."""

_ACCEPTED = 16
"""Connections that are accepted in a turn."""

_HEADER = (
    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' from='{}' to='{}'{}>"
)
_FEATURES = b"<stream:features><dialback xmlns='urn:xmpp:features:dialback'/></stream:features>"
_TOKEN = re.compile(
    rb"<(stream:stream|/stream:stream|stream:error)\b[^>]*>"
    rb"|<(db:result|db:verify)\b[^>]*?(?:/>|>[^<]*</db:[a-z]+>)"
    rb"|<(stream:features|message|presence|iq)\b(?:[^>]*/>|.*?</\3>)",
    re.DOTALL,
)
_KEY = re.compile(rb"<[^>]*>([^<]*)<.*", re.DOTALL)
_ATTRIBUTE = re.compile(rb"\s(from|to|id|type)=['\"]([^'\"]*)['\"]")

Hear = Callable[["Link", bytes], None]


class Link(Client):
    """One stream with the server under test, of one domain; `outgoing` is one that we opened.

    `ready` when a stream of ours may carry stanzas. `heard`, when set, is given all that
    comes from then on, as it comes.
    """

    __slots__ = ("domain", "heard", "id", "inbox", "outgoing", "questions", "ready")

    def __init__(self, crowd: Crowd, connection: socket.socket, domain: str) -> None:
        super().__init__(crowd, 0, domain, connection=connection)
        self.domain = domain
        self.outgoing = bool(domain)
        self.ready = False
        self.id = ""
        self.questions: list[bytes] = []
        self.inbox = b""
        self.heard: Hear | None = None


class Remote:
    """All domains below `REMOTE`, and nobody below `SHUT`. A context manager: closes everything.

    With `asks`, each domain opens a stream of its own when somebody comes, and asks whether the
    key is good; otherwise it takes any. `stanza` is told of each stanza that comes on a link before
    that has a `heard` of its own, `ready` of each stream of ours that may carry stanzas.
    """

    def __init__(self, crowd: Crowd, server: Server, asks: bool = False) -> None:
        self._asks = asks
        self._numbers = itertools.count(1)
        self._asked: dict[tuple[str, str], Link] = {}
        """By domain and the ids of their streams: links that wait for what becomes of a key."""
        self._crowd = crowd
        self._server = server
        self._late: list[tuple[float, Link]] = []
        self.taken = 0
        """How many streams were opened to it."""
        self.links: dict[int, Link] = {}
        self.outgoing: dict[str, Link] = {}
        self.stanza: Hear = lambda link, stanza: None
        self.ready: Callable[[Link], None] = lambda link: None
        self._exit = contextlib.ExitStack()

    def __enter__(self) -> "Remote":
        with self._exit as exits:
            self._listener = exits.enter_context(socket.socket())
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind(("127.0.0.1", self._server.remote_port))
            self._listener.listen(1024)
            self._listener.setblocking(False)
            ports = {REMOTE: self._server.remote_port, SHUT: self._server.shut_port}
            names = NameServer(("127.0.0.1", self._server.names_port), ports)
            exits.callback(names.close)
            self._watch(self._listener.fileno(), self._accept)
            self._watch(names.fd, names.turn)
            self._exit = exits.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        for link in list(self.links.values()):
            self._forget(link)
        self._exit.close()

    def open(self, domain: str) -> Link:
        """Open a stream to the server under test as `domain`, and have it verified."""
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(self._server.s2s_address)
        link = self._add(Link(self._crowd, connection, domain))
        self.outgoing[domain] = link
        link.send(_HEADER.format(domain, DOMAIN, "").encode())
        return link

    def pace(self) -> float:
        """Answer the headers that have waited long enough; return the seconds until the next."""
        now = time.perf_counter()
        while self._late and self._late[0][0] <= now:
            link = self._late.pop(0)[1]
            if link.fd in self.links:
                self._welcome(link)
        return self._late[0][0] - now if self._late else 1.0

    def _watch(self, fd: int, turn: Callable[[int], None]) -> None:
        self._crowd.others[fd] = turn
        self._crowd.epoll.register(fd, select.EPOLLIN)

    def _add(self, link: Link) -> Link:
        self.links[link.fd] = link
        self._watch(link.fd, lambda events: self._turn(link, events))
        return link

    def _forget(self, link: Link) -> None:
        if self.links.pop(link.fd, None) is None:
            return
        del self._crowd.others[link.fd]
        if self.outgoing.get(link.domain) is link:
            del self.outgoing[link.domain]
        link.close()

    def _accept(self, events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(_ACCEPTED):
                connection, _address = self._listener.accept()
                connection.setblocking(False)
                self._add(Link(self._crowd, connection, ""))

    def _turn(self, link: Link, events: int) -> None:
        if events & select.EPOLLOUT:
            link.flush()
        if not events & ~select.EPOLLOUT:
            return
        data = link.receive()
        if data is None:
            if link.heard is not None:
                raise LoadError(f"{link.domain}: the server closed under load")
            self._forget(link)
        elif link.heard is not None:
            link.heard(link, data)
        else:
            link.inbox += data
            self._tokens(link)

    def _tokens(self, link: Link) -> None:
        while link.fd in self.links and (match := _TOKEN.search(link.inbox)):
            link.inbox = link.inbox[match.end() :]
            name, token = (match[1] or match[2] or match[3]).decode(), match[0]
            said = {key.decode(): value.decode() for key, value in _ATTRIBUTE.findall(token)}
            if name.startswith("db:"):
                self._dialback(link, name, said, _KEY.sub(rb"\1", token).decode())
            elif name == "stream:stream" and not link.outgoing:
                self._greeted(link, said)
            elif name == "stream:features" and link.outgoing:
                link.send(
                    b"".join((*link.questions, _db("result", link.domain, DOMAIN, "", "a key")))
                )
            elif name == "stream:error":
                raise LoadError(f"{link.domain}: {token!r} {link.inbox!r}")
            elif name == "/stream:stream":
                link.send(b"</stream:stream>")
                self._forget(link)
            elif name in ("message", "presence", "iq"):
                self.stanza(link, token)

    def _greeted(self, link: Link, said: dict[str, str]) -> None:
        self.taken += 1
        link.domain = link.user = said.get("to", "")
        link.id = f"r{next(self._numbers)}"
        if link.domain.startswith(SLOW):
            self._late.append((time.perf_counter() + LATE, link))
        elif not link.domain.startswith(SILENT):
            self._welcome(link)

    def _welcome(self, link: Link) -> None:
        header = _HEADER.format(link.domain, DOMAIN, f" id='{link.id}'").encode()
        link.send(header + _FEATURES)
        self._tokens(link)

    def _dialback(self, link: Link, name: str, said: dict[str, str], key: str) -> None:
        if link.outgoing:
            self._told(link, name, said)
        elif name == "db:verify":
            valid = f" type='valid' id='{said['id']}'"
            link.send(_db("verify", said["to"], said["from"], valid))
        elif self._asks:
            domain = said["to"]
            self._asked[domain, link.id] = link
            question = _db("verify", domain, DOMAIN, f" id='{link.id}'", key)
            self.open(domain).questions.append(question)
        else:
            link.send(_valid(said["to"]))

    def _told(self, link: Link, name: str, said: dict[str, str]) -> None:
        """Take an answer, to our key or to a question about another's."""
        if said.get("type") != "valid":
            raise LoadError(f"{link.domain}: {name} was answered {said}")
        if name == "db:result":
            link.ready = True
            self.ready(link)
        else:
            asked = self._asked.pop((said["to"], said["id"]), None)
            if asked is not None and asked.fd in self.links:
                asked.send(_valid(said["to"]))


def _valid(domain: str) -> bytes:
    """Say that the key was good."""
    return _db("result", domain, DOMAIN, " type='valid'")


def _db(name: str, sender: str, to: str, more: str, key: str = "") -> bytes:
    """Write an element of dialback."""
    return f"<db:{name} from='{sender}' to='{to}'{more}>{key}</db:{name}>".encode()
