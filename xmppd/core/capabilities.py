"""What others' clients can do, learned once for each kind of client (XEP-0115 §5.4, §8.2).

Presence names a hash of what its sender's disco#info says. The server asks one of those that
name the same, holds the answer against the hash, and knows it of all of them. `of` tells what a
full JID can do; the hook `capabilities` tells when that becomes known.

What does not match its hash counts for nothing, and the next who names the hash is asked. A hash
that can't be verified holds for nobody but him who named it (§5.4, rule 2).
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd import ns
from xmppd.core import disco_answer
from xmppd.core.disco import HASHES, DiscoInfo, verification_string
from xmppd.core.disco_answer import IllFormedError
from xmppd.core.requests import OwnRequests, RequestFailed
from xmppd.domains import around
from xmppd.jid import JID
from xmppd.wire.build import Tag
from xmppd.wire.stanza import Stanza

log = Logger()

CAPS = f"{ns.CAPS} c"
"""The name by which presence has capabilities among its children."""

SECONDS = 20.0
"""How long a client may take to say what it can do; others of its kind wait for it."""

AGAIN = 60.0
"""Seconds after which who gave no good answer may be asked once more."""

MOST_ASKED = 1_000
"""How many may be asked at a time; half as many that are served elsewhere."""

MOST_ASKED_OF_DOMAIN = 50
"""How many may be asked at a time that are served elsewhere, at one domain and all around it."""

MOST_STRANGERS = 100
"""How many of these may be strangers, of whom no account has a subscription: anybody can be one;"""

MOST_STRANGERS_OF_DOMAIN = 10
"""and how many at one domain."""

USERS = ""
"""What the server's own users are counted as."""

LONGEST_VER = 128
"""Characters of a `ver`; the longest hash that is known has 88."""

LONGEST_NODE = 1_023


class Caps(NamedTuple):
    """What stands in presence (§4): a hash function, a hash, and who made the software."""

    algorithm: str
    ver: str
    node: str

    @property
    def verifiable(self) -> bool:
        """Whether the hash can be held against an answer (§5.4, rules 2 and 3)."""
        return self.algorithm in HASHES

    @property
    def key(self) -> tuple[str, str]:
        """What is the same for all clients that can do the same."""
        return self.algorithm, self.ver


def named(stanza: Stanza) -> Caps | None:
    """The capabilities that presence names, None for what can't be used.

    Without `hash` they are of the legacy format, which can't be verified, and are ignored (§5.4,
    rule 1; §13).
    """
    c = stanza.element.find(f"{{{ns.CAPS}}}c")
    if c is None:
        return None
    caps = Caps(c.get("hash", ""), c.get("ver", ""), c.get("node", ""))
    if not all(caps) or len(caps.ver) > LONGEST_VER or len(caps.node) > LONGEST_NODE:
        return None
    return caps


class Standing(IntEnum):
    """What somebody is to the server's users: who comes first is asked first."""

    USER = 0
    CONTACT = 1
    """Of a user, and served elsewhere."""
    STRANGER = 2
    """Likewise, but nobody has a subscription."""


class _Entity:
    """A full JID that has named capabilities, and who asks it if need be."""

    __slots__ = ("asked", "asker", "asking", "caps", "failed", "info", "jid", "standing")

    def __init__(self, jid: JID, caps: Caps, asker: JID, standing: Standing) -> None:
        self.jid = jid
        self.caps = caps
        self.asker = asker
        self.standing = standing
        self.asked = standing
        """As what it is being asked."""
        self.info: DiscoInfo | None = None
        self.asking: Deferred[Any] | None = None
        self.failed: float | None = None
        """When it gave no good answer."""


class Capabilities:
    """The cache of hashes, and which full JID has named which.

    `told` is called with a full JID and what it can do; `most` tells how many hashes are
    remembered. The one that was used longest ago is forgotten.
    """

    def __init__(
        self,
        requests: OwnRequests,
        clock: IReactorTime,
        told: Callable[[JID, DiscoInfo], None],
        most: Callable[[], int],
    ) -> None:
        self._requests = requests
        self._clock = clock
        self._now = clock.seconds
        self._told = told
        self._most = most
        self._known: OrderedDict[tuple[str, str], DiscoInfo] = OrderedDict()
        self._entities: dict[str, _Entity] = {}
        self._waiting: dict[tuple[str, str], dict[str, _Entity]] = {}
        """By hash, who has named it while somebody is asked for it."""
        self._doubted: set[tuple[str, str]] = set()
        """Those hashes for which a stranger is asked: nobody else waits for him."""
        self._asked: Counter[str] = Counter()
        """How many are being asked: users, as USERS; of others by domain, with those around it,"""
        self._strangers: Counter[str] = Counter()
        """and how many of them are strangers."""

    def __len__(self) -> int:
        """How many hashes are remembered."""
        return len(self._known)

    def of(self, full: str) -> DiscoInfo | None:
        """What a full JID can do, its forms left out; None where that is not known."""
        entity = self._entities.get(full)
        if entity is None:
            return None
        return entity.info or self._known.get(entity.caps.key)

    # ------------------------------------------------------------------ what presence says

    def announce(self, jid: JID, caps: Caps, asker: JID, standing: Standing) -> None:
        """Take note that a full JID has named capabilities.

        `asker` is in whose name it is asked, where nobody knows them: its own account if it is a
        user's, one that it shows its presence to if it is a contact's.
        """
        entity = self._entities.get(jid)
        if entity is None or entity.caps != caps:
            self.forget(jid)
            entity = self._entities[jid] = _Entity(jid, caps, asker, standing)
        elif standing < entity.standing:
            entity.standing, entity.asker = standing, asker
        if entity.info is not None or entity.asking is not None:
            return
        known = self._known.get(caps.key)
        if known is not None:
            self._known.move_to_end(caps.key)
            self._learn(entity, known)
        elif entity.failed is None or self._now() - entity.failed >= AGAIN:
            self._find_out(entity)

    def forget(self, jid: str) -> None:
        """Let go of a full JID: it has gone, or names other capabilities."""
        entity = self._entities.pop(jid, None)
        if entity is None:
            return
        waiting = self._waiting.get(entity.caps.key)
        if waiting is not None:
            waiting.pop(jid, None)
        if entity.asking is not None:
            entity.asking.cancel()

    def clear(self) -> None:
        """Forget everything, and ask nobody any more."""
        self._waiting.clear()
        self._doubted.clear()
        for jid in list(self._entities):
            self.forget(jid)
        self._known.clear()

    # ------------------------------------------------------------------ asking

    def _find_out(self, entity: _Entity) -> None:
        """Ask an entity, or wait for what another one says that has named the same hash."""
        if entity.caps.verifiable:
            key = entity.caps.key
            waits = entity.standing is Standing.STRANGER or key not in self._doubted
            if key in self._waiting and waits:
                self._waiting[key][entity.jid] = entity
                return
            self._waiting.setdefault(key, {})
        self._ask(entity)

    def _ask(self, entity: _Entity) -> None:
        caps = entity.caps
        if self._is_too_much(entity.jid.domain, entity.standing):
            self._waiting.pop(caps.key, None)  # the next presence of each is another try
            self._doubted.discard(caps.key)
            return
        entity.asked = entity.standing
        self._count(entity, 1)
        if caps.verifiable and entity.asked is Standing.STRANGER:
            self._doubted.add(caps.key)
        else:
            self._doubted.discard(caps.key)
        query = Tag("query", {"node": f"{caps.node}#{caps.ver}"}, ns=ns.DISCO_INFO)  # §6.2
        asking = self._requests.ask(entity.asker, entity.jid, "get", query, seconds=SECONDS)
        entity.asking = asking
        asking.addBoth(self._answered, entity)
        asking.addErrback(lambda failure: log.failure("capabilities were not learned", failure))

    def _is_too_much(self, domain: str, standing: Standing) -> bool:
        """Whether too many are being asked to ask one more."""
        asked, strangers, total = self._asked, self._strangers, self._asked.total()
        crowd = _crowd(domain, standing)
        if standing is Standing.USER:
            return total >= MOST_ASKED
        if standing is Standing.STRANGER and (
            strangers[crowd] >= MOST_STRANGERS_OF_DOMAIN or strangers.total() >= MOST_STRANGERS
        ):
            return True
        return asked[crowd] >= MOST_ASKED_OF_DOMAIN or total - asked[USERS] >= MOST_ASKED // 2

    def _count(self, entity: _Entity, change: int) -> None:
        """Note that an entity is being asked, or is so no more."""
        crowd = _crowd(entity.jid.domain, entity.asked)
        self._asked[crowd] += change
        if not self._asked[crowd]:
            del self._asked[crowd]
        if entity.asked is Standing.STRANGER:
            self._strangers[crowd] += change
            if not self._strangers[crowd]:
                del self._strangers[crowd]

    def _answered(self, outcome: Stanza | Failure, entity: _Entity) -> None:
        entity.asking = None
        self._count(entity, -1)
        info = None
        if not isinstance(outcome, Failure):
            info = _verified(outcome, entity.caps)
        elif not outcome.check(RequestFailed, CancelledError):
            log.failure("capabilities could not be asked for", outcome)
        if info is None:
            entity.failed = self._now()
        if not entity.caps.verifiable:
            if info is not None:
                self._learn(entity, info)
        elif info is not None:
            self._remember(entity, info)
        else:
            # In a turn of its own: where all of them are gone, each fails at once.
            self._doubted.discard(entity.caps.key)
            self._clock.callLater(0, self._ask_next, entity.caps.key)

    def _ask_next(self, key: tuple[str, str]) -> None:
        """Ask the next who has named a hash: of the server's own users, where there are any.

        Others may be many, and all keep their answer to themselves; strangers above all.
        """
        waiting = self._waiting.get(key)
        if waiting:
            entity = min(waiting.values(), key=lambda entity: entity.standing)
            del waiting[entity.jid]
            self._ask(entity)
        elif waiting is not None:
            del self._waiting[key]

    def _remember(self, entity: _Entity, info: DiscoInfo) -> None:
        """Keep what a hash stands for, and tell of all who have named it (§5.4, rule 3.8)."""
        key = entity.caps.key
        self._known[key] = info
        self._doubted.discard(key)
        while len(self._known) > self._most():
            self._known.popitem(last=False)
        for each in (entity, *self._waiting.pop(key, {}).values()):
            self._learn(each, info)

    def _learn(self, entity: _Entity, info: DiscoInfo) -> None:
        entity.info = info
        self._told(entity.jid, info)


def _crowd(domain: str, standing: Standing) -> str:
    """What they are counted as who are asked."""
    return USERS if standing is Standing.USER else around(domain)


def _verified(answer: Stanza, caps: Caps) -> DiscoInfo | None:
    """What an answer says, without its forms; None where it is not what the hash stands for."""
    try:
        info = disco_answer.read(answer)
    except IllFormedError as error:
        log.debug("{jid}: disco#info is ill-formed: {error}", jid=answer.sender, error=str(error))
        return None
    if caps.verifiable and verification_string(*info, caps.algorithm) != caps.ver:
        log.debug("{jid}: disco#info does not match its hash", jid=answer.sender)
        return None
    return info._replace(forms=())
