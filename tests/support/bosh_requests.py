"""BOSH over real sockets, a request on each connection: what a client says, and may not (XEP-0124).

juliet = Asker(web)
juliet.begin()
held, other = juliet.ask(), juliet.ask("<presence xmlns='jabber:client'/>")
assert held.answer().body.get("type") is None
"""

from __future__ import annotations

import os
import select
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import NamedTuple, Self
from xml.etree.ElementTree import Element, fromstring
from xml.sax.saxutils import quoteattr

from tests.support.server import PASSWORD
from tests.support.web_peers import HTTPBIND, XBOSH, Web
from xmppd import ns

PATH = "/http-bind"
XMPP = f"{{{XBOSH}}}"
STREAM = f"{{{ns.STREAM}}}"


class Answer(NamedTuple):
    """An answer of the gateway."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    @property
    def body(self) -> Element:
        body = fromstring(self.data)
        assert body.tag == f"{{{HTTPBIND}}}body"
        return body

    @property
    def attrs(self) -> Mapping[str, str]:
        return self.body.attrib

    @property
    def end(self) -> tuple[str | None, str | None]:
        """Whether it ends the session, and why."""
        return self.body.get("type"), self.body.get("condition")

    @property
    def names(self) -> list[str]:
        """What the elements inside are called."""
        return [child.tag.rpartition("}")[2] for child in self.body]


class Asked:
    """A request that was sent on a connection of its own."""

    def __init__(self, web: Web, data: bytes, headers: Mapping[str, str], method: str) -> None:
        self._http: HTTPConnection = web.http()
        self._http.request(method, PATH, data or None, {**web.headers, **headers})

    @property
    def waits(self) -> bool:
        """Whether there is no answer yet, nor within a moment."""
        return not select.select([self._http.sock], [], [], 0.15)[0]

    def answer(self) -> Answer:
        """Wait for the answer."""
        response = self._http.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(response.status, headers, response.read())
        self._http.close()
        return answer

    def break_off(self) -> None:
        """Be gone before it has come."""
        self._http.close()


def ask(web: Web, data: str | bytes, method: str = "POST", **headers: str) -> Asked:
    """Send a request, whatever it is."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Asked(web, data.encode() if isinstance(data, str) else data, named, method)


class Asker:
    """A client with a session, or about to have one."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.rid = int.from_bytes(os.urandom(5), "big")
        self.sid = ""
        self.created = Answer(0, {}, b"")
        """The answer to the session creation request."""

    def begin(self, **attrs: str | None) -> Answer:
        """Ask for a session; attributes over the usual ones, None for one that is left out."""
        usual = {"to": self.web.domain, "ver": "1.11", "wait": "20", "hold": "1"}
        self.rid -= 1
        asked = self.ask("", **{**usual, "xml:lang": "en", "xmpp:version": "1.0", **attrs})
        self.created = asked.answer()
        if self.created.status == 200:
            self.sid = self.created.attrs.get("sid", "")
        return self.created

    def data(self, content: str = "", /, rid: int | None = None, **attrs: str | None) -> bytes:
        """A request: the next, unless `rid` says which."""
        self.rid += rid is None
        given = {"rid": str(self.rid if rid is None else rid), "sid": self.sid or None, **attrs}
        shown = "".join(f" {k}={quoteattr(v)}" for k, v in given.items() if v is not None)
        declared = f"xmlns='{HTTPBIND}' xmlns:xmpp='{XBOSH}'"
        return f"<body {declared}{shown}>{content}</body>".encode()

    def ask(self, content: str = "", /, rid: int | None = None, **attrs: str | None) -> Asked:
        """Send a request."""
        return ask(self.web, self.data(content, rid, **attrs))

    def tell(self, content: str = "", /, **attrs: str | None) -> Answer:
        """Send a request, and wait for its answer."""
        return self.ask(content, **attrs).answer()

    def log_in(self, name: str, **attrs: str | None) -> Self:
        """Have a session, and a resource bound in it."""
        self.begin(**attrs)
        message = b64encode(f"\0{name}\0{PASSWORD}".encode()).decode()
        auth = self.tell(f"<auth xmlns='{ns.SASL}' mechanism='PLAIN'>{message}</auth>")
        assert auth.names == ["success"], auth
        assert self.restart().names == ["features"]
        wanted = f"<iq xmlns='{ns.CLIENT}' type='set' id='b'><bind xmlns='{ns.BIND}'/></iq>"
        self.jid = self.tell(wanted).body.findtext(f".//{{{ns.BIND}}}jid") or ""
        assert self.jid
        return self

    def end(self) -> None:
        """End the session, if there is one, without waiting for anything."""
        self.ask(type="terminate").break_off()

    def restart(self, content: str = "", /, **attrs: str | None) -> Answer:
        """Have the stream begun anew (XEP-0206 §5)."""
        return self.tell(content, to=self.web.domain, **{"xmpp:restart": "true"}, **attrs)


def message(to: str, body: str) -> str:
    return f"<message xmlns='{ns.CLIENT}' to='{to}' type='chat'><body>{body}</body></message>"


def bodies(*answers: Answer) -> list[str]:
    """What people said in these, in their order."""
    found = (each.body.iter(f"{{{ns.CLIENT}}}body") for each in answers)
    return [body.text or "" for bodies in found for body in bodies]


def ping(id_: str = "p") -> str:
    return f"<iq xmlns='{ns.CLIENT}' type='get' id='{id_}'><ping xmlns='urn:xmpp:ping'/></iq>"
