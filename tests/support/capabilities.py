"""Kinds of client (XEP-0115): what one says in presence, and what it answers to disco#info."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from tests.support.server import DOMAIN, Client, Verona
from xmppd import ns
from xmppd.core import capabilities
from xmppd.core.capabilities import Standing
from xmppd.core.disco import DiscoInfo, Identity, verification_string
from xmppd.jid import JID
from xmppd.phases import Phase

INFO = f"{{{ns.DISCO_INFO}}}query"


class Kind:
    """A kind of client with some features; `claims` are those that its hash is made of."""

    def __init__(
        self,
        *features: str,
        algorithm: str = "sha-1",
        node: str = "http://exodus.lit",
        claims: Sequence[str] | None = None,
    ) -> None:
        self.features = features
        self.algorithm = algorithm
        self.node = node
        known = "sha-1" if algorithm == "sha-0" else algorithm
        self.ver = verification_string(
            [Identity("client", "pc", "Exodus")],
            features if claims is None else claims,
            [],
            known,
        )

    @property
    def c(self) -> str:
        """What stands in presence (§6.1)."""
        return f"<c xmlns='{ns.CAPS}' hash='{self.algorithm}' node='{self.node}' ver='{self.ver}'/>"

    @property
    def info(self) -> str:
        """What it answers (§6.2)."""
        told = "".join(f"<feature var='{feature}'/>" for feature in self.features)
        return (
            f"<query xmlns='{ns.DISCO_INFO}' node='{self.node}#{self.ver}'>"
            f"<identity category='client' type='pc' name='Exodus'/>{told}</query>"
        )


def appear(client: Client, kind: Kind | None, inner: str = "") -> Client:
    """Have a client send its own presence."""
    return client.send(f"<presence>{inner}{'' if kind is None else kind.c}</presence>")


def asked(client: Client) -> list[Element]:
    """The requests for capabilities that came since something was last read."""
    return [e for e in client.elements() if e.get("type") == "get" and e.find(INFO) is not None]


def reply(client: Client, request: Element, inner: str, type_: str = "result") -> None:
    """Answer a request."""
    client.send(
        f"<iq type='{type_}' id='{request.get('id')}' to='{request.get('from')}'>{inner}</iq>"
    )


NOTIFY = "urn:example:mood+notify"
EXODUS = Kind(ns.DISCO_INFO, ns.CAPS, NOTIFY)
PSI = Kind(ns.DISCO_INFO, "urn:xmpp:ping", node="http://psi.lit")
WHO = ("juliet", "romeo", "nurse", "benvolio", "mercutio")


class Stage:
    """A server, and what its hook has told."""

    def __init__(self, **tables: dict[str, object]) -> None:
        self.server = Verona(accounts=WHO, **tables)
        self.told: list[tuple[str, DiscoInfo]] = []
        hooks = self.server.host.hooks
        hooks.capabilities.add(Phase.DELIVER, lambda jid, info: self.told.append((jid, info)))

    def log_in(self, name: str, kind: Kind | None = None, resource: str = "r") -> Client:
        client = self.server.log_in(name, resource)
        return client if kind is None else appear(client, kind)

    def knows(self, client: Client) -> DiscoInfo | None:
        assert client.jid is not None
        return self.server.host.capabilities.of(client.jid)

    def features(self, client: Client) -> set[str] | None:
        known = self.knows(client)
        return None if known is None else set(known.features)

    @property
    def outstanding(self) -> int:
        return len(self.server.host.requests)

    def later(self, seconds: float = 0) -> None:
        self.server.clock.advance(seconds)
        self.server.clock.advance(0)

    def learn(self, kind: Kind, name: str = "mercutio") -> None:
        """Have the server know a kind, of which no client is there any more."""
        client = self.log_in(name, kind, "learned")
        (request,) = asked(client)
        reply(client, request, kind.info)
        client.hang_up()
        self.told.clear()


def crowd(
    stage: Stage,
    size: int,
    domain: str = DOMAIN,
    kind: Kind = EXODUS,
    name: str = "b",
    *,
    standing: Standing = Standing.USER,
) -> list[str]:
    """Have many full JIDs name a kind, of which nobody has to be there; asked by juliet."""
    jids = [JID.parse(f"{name}{number}@{domain}/r") for number in range(size)]
    caps = capabilities.Caps(kind.algorithm, kind.ver, kind.node)
    for jid in jids:
        stage.server.host.capabilities.announce(jid, caps, JID.parse(f"juliet@{DOMAIN}"), standing)
    return [*jids]
