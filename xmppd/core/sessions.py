"""Sessions, and the directory that finds them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Literal, Protocol

from xmppd.core.residents import Resident
from xmppd.errors import StanzaError, StreamError
from xmppd.jid import JID, JIDError
from xmppd.wire.stanza import Stanza

Conflict = Literal["replace", "refuse", "rename"]
"""What a bind does whose resource is taken (RFC 6120 §7.7.2.2)."""


class Session:
    """A bound resource (RFC 6120 §7): where stanzas for one full JID go.

    `deliver` takes a stanza to the client, `write` any other bytes; `end` closes its stream with
    an error; `charge` counts octets against the client's rate as if it had sent them; `hold`
    takes nothing more from the client until what it returns is called; `unsent` is how many octets
    the client has not taken yet. `tracks` says that what is delivered is held until the client has
    acknowledged it (XEP-0198). `away` is called when the connection is lost and the stream was not
    closed; True keeps the session, which is not `attached` then. Who is to keep what is
    delivered replaces `deliver`; until then it is `plain`, which does no more than to write (None
    where the stream is managed).
    `priority` is None until the resource is available (RFC 6121
    §4.2), `presence` its last own presence and `present_since` when
    it came, in seconds UTC since 1970. `resident` is its account. A module keeps what it
    knows of a session in `data`, under a key of its own.
    """

    __slots__ = (
        "_data",
        "account",
        "address",
        "attached",
        "away",
        "charge",
        "deliver",
        "end",
        "hold",
        "jid",
        "lang",
        "plain",
        "presence",
        "present_since",
        "priority",
        "resident",
        "secure",
        "since",
        "tracks",
        "unsent",
        "write",
    )

    def __init__(
        self,
        jid: JID,
        *,
        resident: Resident,
        write: Callable[[bytes], None],
        end: Callable[[StreamError], None],
        hold: Callable[[], Callable[[], None]],
        charge: Callable[[int], None] = lambda octets: None,
        unsent: Callable[[], int] = lambda: 0,
        address: str = "",
        secure: bool = False,
        lang: str = "",
        since: float = 0.0,
    ) -> None:
        self.jid = jid
        self.account = jid.bare
        self.resident = resident
        self.write = write
        self.plain: Callable[[Stanza], None] | None = lambda stanza: write(stanza.render())
        self.deliver: Callable[[Stanza], None] = self.plain
        self.end = end
        self.hold = hold
        self.charge = charge
        self.unsent = unsent
        self.tracks = False
        self.attached = True
        self.away: Callable[[], bool] = lambda: False
        self.address = address
        self.secure = secure
        self.lang = lang
        self.since = since
        self.priority: int | None = None
        self.presence: Stanza | None = None
        self.present_since = since
        self._data: dict[object, Any] | None = None

    @property
    def data(self) -> dict[object, Any]:
        """What modules keep of this session, by key; made when first asked for."""
        if self._data is None:
            self._data = {}
        return self._data

    @property
    def available(self) -> bool:
        """True between initial and unavailable presence."""
        return self.priority is not None

    def __repr__(self) -> str:
        return f"<Session {self.jid} from {self.address}>"


class SessionDirectory(Protocol):
    """Finds sessions by address. The local one is a dictionary; another may span nodes."""

    def bind(self, session: Session) -> None:
        """Add a session; its full JID must be free."""

    def unbind(self, session: Session) -> bool:
        """Remove a session; False when it was not, or no longer, there."""

    def get(self, full: str) -> Session | None:
        """The session of a full JID."""

    def of(self, bare: str) -> Collection[Session]:
        """The sessions of an account, the oldest first."""

    def __iter__(self) -> Iterator[Session]: ...

    def __len__(self) -> int: ...


class LocalDirectory:
    """The sessions of this process."""

    __slots__ = ("_by_account", "by_jid")

    def __init__(self) -> None:
        self.by_jid: dict[str, Session] = {}
        self._by_account: dict[str, dict[str, Session]] = {}

    def bind(self, session: Session) -> None:
        """Add a session; raises ValueError where its full JID is taken."""
        if session.jid in self.by_jid:
            raise ValueError(f"{session.jid} is bound already")
        self.by_jid[session.jid] = session
        self._by_account.setdefault(session.account, {})[session.jid.resource] = session

    def unbind(self, session: Session) -> bool:
        """Remove a session; False when it was not, or no longer, there."""
        if self.by_jid.get(session.jid) is not session:
            return False
        del self.by_jid[session.jid]
        siblings = self._by_account[session.account]
        del siblings[session.jid.resource]
        if not siblings:
            del self._by_account[session.account]
        return True

    def get(self, full: str) -> Session | None:
        """The session of a full JID."""
        return self.by_jid.get(full)

    def of(self, bare: str) -> Collection[Session]:
        """The sessions of an account, the oldest first."""
        return self._by_account.get(bare, _NOBODY).values()

    def __iter__(self) -> Iterator[Session]:
        return iter(self.by_jid.values())

    def __len__(self) -> int:
        return len(self.by_jid)


_NOBODY: Mapping[str, Session] = {}


def choose_resource(
    directory: SessionDirectory, account: JID, wanted: str, policy: Conflict, most: int
) -> tuple[JID, Session | None]:
    """The full JID to bind for `account`, and the session that must end first, if any.

    `wanted` is the resource the client asks for, "" to let the server choose (RFC 6120 §7.6);
    `most` bounds the account's sessions. Raises StanzaError: `bad-request` for a resource that is
    none, `conflict` under the policy "refuse", `resource-constraint` (RFC 6120 §7.6.2.1, §7.7.2).
    """
    siblings = directory.of(account)
    if not wanted:
        _check_room(siblings, most)
        return account.with_resource(_fresh_resource()), None
    try:
        jid = account.with_resource(wanted)
    except JIDError as error:
        raise StanzaError("bad-request", str(error), reason="bind.malformed") from None
    holder = directory.get(jid)
    if holder is None:
        _check_room(siblings, most)
        return jid, None
    if policy == "refuse":
        raise StanzaError("conflict", reason="bind.conflict", type="modify")
    if policy == "rename":
        _check_room(siblings, most)
        return _renamed(account, jid.resource), None
    return jid, holder


def _renamed(account: JID, resource: str) -> JID:
    fresh = _fresh_resource()
    try:
        return account.with_resource(f"{resource[:200]}-{fresh}")
    except JIDError:  # a right-to-left text may not end in Latin letters (RFC 3454 §6)
        return account.with_resource(fresh)


def _check_room(siblings: Collection[Session], most: int) -> None:
    if len(siblings) >= most:
        raise StanzaError("resource-constraint", reason="limit.resources")


def _fresh_resource() -> str:
    # Unguessable, so that a stranger can't address a session he was not told of.
    return secrets.token_urlsafe(9)
