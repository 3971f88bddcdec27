"""Sessions in memory around a real router: no stream, no wire, no store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any
from xml.etree.ElementTree import Element, fromstring

from xmppd import ns
from xmppd.core.hooks import Hooks
from xmppd.core.refusals import Refusals
from xmppd.core.residents import Resident
from xmppd.core.roster import Roster
from xmppd.core.router import Router
from xmppd.core.sessions import LocalDirectory, Session
from xmppd.errors import StanzaError, StreamError
from xmppd.jid import JID
from xmppd.phases import Phase
from xmppd.wire.framer import Framer
from xmppd.wire.limits import Limits
from xmppd.wire.stanza import Stanza

DOMAINS = ("capulet.lit", "montague.lit")
HEADER = f"<stream:stream xmlns='{ns.CLIENT}' xmlns:stream='{ns.STREAM}' version='1.0'>".encode()


def read(text: str) -> Stanza:
    """The stanza that a client writes as `text`, as the framer cuts it."""
    framer = Framer(Limits())
    _, stanza = framer.feed(HEADER + text.encode())
    assert isinstance(stanza, Stanza), stanza
    return stanza


class Party:
    """A bound session, and everything that was written to it."""

    def __init__(self, jid: str, priority: int | None = None, lang: str = "") -> None:
        self.written = b""
        self.ended: list[StreamError] = []
        self.held = 0
        full = JID.parse(jid)
        self.session = Session(
            full,
            resident=Resident(full.bare, 1, 0.0, Roster()),
            write=self._write,
            end=self.ended.append,
            hold=self._hold,
            lang=lang,
        )
        self.session.priority = priority

    def _hold(self) -> Callable[[], None]:
        self.held += 1

        def release() -> None:
            self.held -= 1

        return release

    def _write(self, data: bytes) -> None:
        self.written += data

    def elements(self) -> list[Element]:
        """What was written, parsed."""
        return list(fromstring(HEADER + self.written + b"</stream:stream>"))


class Household:
    """A router with Romeo online at his orchard, and Juliet's resources in some state.

    `deaf` are the resources that refuse whatever they are sent, `keep_undelivered` has somebody
    take what nobody could be given.
    """

    def __init__(
        self,
        resources: Mapping[str, int | None],
        *,
        deaf: Collection[str] = (),
        keep_undelivered: bool = False,
        lang: str = "",
    ) -> None:
        self.directory = LocalDirectory()
        self.hooks = Hooks()
        self.refusals = Refusals(lambda: 0.0)
        self.router = Router(DOMAINS, self.directory, self.hooks, self.refusals)
        self.romeo = Party("romeo@montague.lit/orchard", 0, lang)
        self.juliet = {r: Party(f"juliet@capulet.lit/{r}", p) for r, p in resources.items()}
        for party in (self.romeo, *self.juliet.values()):
            self.directory.bind(party.session)
        self.seen: dict[str, list[Stanza]] = {"subscription": [], "undelivered": []}
        self.hooks.subscription.add(Phase.DELIVER, self.seen["subscription"].append)
        self.hooks.undelivered.add(
            Phase.FALLBACK, lambda stanza: self._undelivered(stanza, keep_undelivered)
        )
        if deaf:
            self.hooks.session_stanza.add(
                Phase.GUARD, lambda stanza, session: _refuse(stanza, session, deaf)
            )

    def send(self, text: str) -> None:
        """Have Romeo's client send a stanza."""
        self.router.from_client(self.romeo.session, read(text))

    def received(self) -> dict[str, bytes]:
        """What was written to each of Juliet's resources."""
        return {resource: party.written for resource, party in self.juliet.items()}

    def _undelivered(self, stanza: Stanza, keep: bool) -> Stanza | None:
        self.seen["undelivered"].append(stanza)
        return None if keep else stanza


def _refuse(stanza: Stanza, session: Session, deaf: Collection[str]) -> Stanza:
    if session.jid.resource in deaf:
        raise StanzaError("not-acceptable", reason="stanza.forbidden")
    return stanza


def ends(element: Element) -> dict[str, Any]:
    """What matters of a stanza error: its kind, ends, id, condition, type and legacy code."""
    error = element.find(f"{{{ns.CLIENT}}}error")
    assert error is not None, f"{element.tag} is no error"
    conditions = [
        child.tag.partition("}")[2]
        for child in error
        if child.tag.startswith(f"{{{ns.STANZA_ERRORS}}}") and not child.tag.endswith("}text")
    ]
    assert len(conditions) == 1, conditions
    return {
        "kind": element.tag.partition("}")[2],
        **{name: element.get(name) for name in ("type", "id", "from", "to")},
        "condition": conditions[0],
        "error": error.get("type"),
        "code": error.get("code"),
    }
