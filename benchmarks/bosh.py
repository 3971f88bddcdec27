"""Clients that come by BOSH (XEP-0124, XEP-0206), each with two connections (HTTP/1.1).

At most one request is under way on a connection, so two in a session: one that the server holds,
and one for what the client has to say. Connections take turns.
"""

import re
from collections.abc import Callable

from benchmarks.browser import declared, heading
from benchmarks.client import DOMAIN, Client, LoadError, Script
from benchmarks.load import Crowd
from benchmarks.scripts import logging_in, opening
from benchmarks.server import BOSH

WAIT = 60
"""Seconds that the server may hold a request: longer than whatever is measured takes."""
_REQUESTS = 2
_XMLNS = "http://jabber.org/protocol/httpbind"
_XBOSH = "xmlns:xmpp='urn:xmpp:xbosh'"
_CREATE = (
    f" to='{DOMAIN}' xml:lang='en' wait='{WAIT}' hold='1' ver='1.11' "
    f"content='text/xml; charset=utf-8' xmpp:version='1.0' {_XBOSH}"
)
_RESTART = f" to='{DOMAIN}' xml:lang='en' xmpp:restart='true' {_XBOSH}"
_TERMINATE = " type='terminate'"

_SID = re.compile(rb"<body\b[^>]*\ssid=['\"]([^'\"]+)")
_GRANTED = re.compile(rb"<body\b[^>]*\srequests=['\"](\d+)")
_OVER = re.compile(rb"<body\b[^>]*\stype=['\"]terminate")
_SEEN = re.compile(rb"<presence\b")
_RESPONSE = re.compile(
    rb"HTTP/1\.1 (?:200 .*?\r\n\r\n\s*(<body\b[^>]*/>|<body\b.*</body>)|(?!200)\d{3}.*)", re.DOTALL
)
_OK = b"HTTP/1.1 200"
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Session:
    """A session: its connections that are `free`, and how many messages it `owes`: has yet to say.

    `requests` counts those that have been sent, `answers` those that have been answered.
    """

    __slots__ = ("_end", "_head", "_rid", "answers", "first", "free", "owes", "requests", "sid")

    def __init__(self, first: "Line") -> None:
        self.first = first
        self.free = [first]
        self.owes = self.requests = self.answers = 0
        self.sid = ""
        self._rid = 1_000_000_000
        self._head = (
            heading("POST", BOSH, first.address)
            + b"Content-Type: text/xml; charset=utf-8\r\nContent-Length: "
        )
        self._end = self._attributes("")

    def name(self, sid: str) -> None:
        """Learn what the server calls the session."""
        self.sid = sid
        self._end = self._attributes("")

    def open(self) -> None:
        """Ask for the session, or for the stream in it to start anew."""
        self._post(b"", self._attributes(_RESTART if self.sid else _CREATE))

    def end(self, payload: bytes) -> None:
        """Say the last, and that it is."""
        self._post(payload, self._attributes(_TERMINATE))

    def post(self, payload: bytes) -> None:
        """Send a request."""
        self._post(payload, self._end)

    def poll(self) -> None:
        """Have a request that the server can hold, unless there is one."""
        if len(self.free) == _REQUESTS:
            self._post(b"", self._end)

    def _attributes(self, some: str) -> bytes:
        sid = f" sid='{self.sid}'" if self.sid else ""
        return f"{sid}{some} xmlns='{_XMLNS}'>".encode()

    def _post(self, payload: bytes, attributes: bytes) -> None:
        self._rid += 1
        self.requests += 1
        body = b"<body rid='%d'%b%b</body>" % (self._rid, attributes, payload)
        self.free.pop(0).write(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))


class Line(Client):
    """One of a session's connections; the first is the client, and scripts send through it."""

    __slots__ = ("session",)

    def __init__(
        self, crowd: Crowd, number: int, user: str, session: Session | None = None
    ) -> None:
        super().__init__(crowd, number, user)
        self.session = session or Session(self)

    def open_stream(self) -> None:
        """Ask for the session; later, for its stream to start anew."""
        self.session.open()

    def send(self, data: bytes) -> None:
        """Send one element in a request, the client's own unless it says otherwise."""
        self.session.post(declared(data))

    write = Client.send
    """Send a request, as it is."""

    def whole(self, data: bytes) -> bytes | None:
        """Return the response that is complete with this; None while it is not."""
        if self.tail:
            data = self.tail + data
        head = data.find(_END_OF_HEAD)
        length = _LENGTH.search(data, 0, head + 2) if head > 0 else None
        if length is None or len(data) < head + len(_END_OF_HEAD) + int(length[1]):
            self.tail = data
            return None
        self.tail = b""
        if not data.startswith(_OK):
            raise LoadError(f"{self.user}: refused: {data!r}")
        session = self.session
        session.answers += 1
        session.free.append(self)
        return data

    def idle(self, data: bytes) -> None:
        """Take what comes while nobody looks: behind each response the server gets a request."""
        response = self.whole(data)
        if response is not None:
            persist(self, response)
            self.session.poll()


def coming(crowd: Crowd) -> Callable[[Client], Script]:
    """Return the script that logs in, and becomes available while a request is with the server.

    So both connections have been used when it ends.
    """

    def script(client: Client) -> Script:
        assert isinstance(client, Line)
        yield from _carried(client, opening(client, None))
        session = client.session
        second = Line(crowd, client.number, client.user, session)
        crowd.attach(second)
        session.free.append(second)
        for line in (client, second):
            line.hear = line.idle
        session.poll()
        second.send(b"<presence/>")

    return script


def visiting(crowd: Crowd) -> Callable[[Client], Script]:
    """Return the script that logs in and at once out again, in order."""

    def script(client: Client) -> Script:
        assert isinstance(client, Line)
        yield from _carried(client, _appearing(client))
        client.session.end(declared(b"<presence type='unavailable'/>"))
        yield _RESPONSE
        crowd.leave(client)

    return script


def _appearing(client: Client) -> Script:
    """Log in and become available; the client's own presence says that all has been answered."""
    yield from logging_in(None)(client)
    yield _SEEN


def _carried(client: Line, script: Script) -> Script:
    """Play a script whose client comes by BOSH: take responses apart, ask for what is to come."""
    session, inbox, waits = client.session, b"", next(script)
    while True:
        match = waits.search(inbox) if waits else None
        if match is not None:
            inbox = inbox[match.end() :]
            try:
                waits = script.send(match)
            except StopIteration:
                return
            continue
        if session.free:
            session.post(b"")
        response = yield _RESPONSE
        assert response is not None
        if response[1] is None:
            raise LoadError(f"{client.user}: refused: {response[0]!r}")
        session.free.append(client)
        persist(client, response[1])
        if not session.sid:
            _name(session, response[1])
        inbox += response[1]


def _name(session: Session, body: bytes) -> None:
    sid, granted = _SID.search(body), _GRANTED.search(body)
    if sid is None or granted is None or int(granted[1]) < _REQUESTS:
        raise LoadError(f"no session, or not as it was asked for: {body!r}")
    session.name(sid[1].decode())


def persist(client: Client, response: bytes) -> None:
    """Check that the session has not ended."""
    if _OVER.search(response):
        raise LoadError(f"{client.user}: the session was ended: {response!r}")
