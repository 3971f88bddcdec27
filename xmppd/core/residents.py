"""Accounts in memory: what is kept of each that has a session, and of a few that had one lately.

An account is read once, before its first session is bound, so that whatever its stanzas meet
answers at once. Who needs one that has no session (a message to someone offline, a request for a
subscription) fetches it. What is kept is a copy: it changes only once the store has the change.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from xmppd.core.roster import Roster
from xmppd.jid import JID
from xmppd.lock import Lock
from xmppd.storage.accounts import find_account
from xmppd.storage.interfaces import Stores, Transaction

if TYPE_CHECKING:
    from xmppd.core.sessions import SessionDirectory

WEIGHT = 100_000
"""Roster items that are kept of accounts without a session, all together; an account counts as
eight besides. The one that was used longest ago makes room."""
_EACH = 8
OCTETS = 200
"""Of a roster count as one item, where its items are larger than usual."""

AT_A_TIME = 50
"""Accounts that are read in one unit of work."""


Load: TypeAlias = Callable[[Transaction, int], Coroutine[Any, Any, Any]]
"""Reads something of an account, named by its id, within a unit of work."""


class Resident:
    """An account in memory.

    `id` is that of the store, 0 for a guest (XEP-0175), of whom nothing is stored. Modules keep
    in `data` what they read of it, each under its own key; what is no small thing says by an
    attribute `weight` as how many roster items it counts. `lock` is held by whoever changes
    what is stored of the account, from looking at it to having written it.
    """

    __slots__ = ("created", "data", "id", "jid", "lock", "roster")

    def __init__(self, jid: JID, id_: int, created: float, roster: Roster) -> None:
        self.jid = jid
        self.id = id_
        self.created = created
        self.roster = roster
        self.data: dict[object, Any] = {}
        self.lock = Lock()

    @property
    def guest(self) -> bool:
        """Whether there is no such account: he came in by SASL ANONYMOUS."""
        return not self.id

    @property
    def weight(self) -> int:
        """How much of `WEIGHT` it takes."""
        kept = sum(getattr(each, "weight", 0) for each in self.data.values())
        return max(len(self.roster), self.roster.octets // OCTETS) + kept + _EACH


class Residents:
    """The accounts in memory, by bare JID."""

    def __init__(self, stores: Stores, directory: SessionDirectory) -> None:
        self._stores = stores
        self._directory = directory
        self._all: dict[str, Resident] = {}
        self._recent: OrderedDict[JID, int] = OrderedDict()
        self._weight = 0
        self._loading: dict[JID, list[Deferred[Resident | None]]] = {}
        self._outdated: set[JID] = set()
        self.loads: dict[object, Load] = {}
        """What modules read of each account, by the key in `Resident.data`."""

    def get(self, account: str) -> Resident | None:
        """The account of a bare JID where it is in memory: always while it has a session."""
        return self._all.get(account)

    def fetch(self, account: JID) -> Deferred[Resident | None]:
        """The account of a bare JID, read from the store if need be; None where there is none.

        It stays in memory for a while. Who changes what is stored looks at it anew, by `get`,
        after each wait. Fails as the store does.
        """
        found = self._all.get(account)
        if found is not None:
            if account in self._recent:
                self._recent.move_to_end(account)
            return succeed(found)
        waiting: Deferred[Resident | None] = Deferred()
        others = self._loading.get(account)
        if others is not None:
            others.append(waiting)
        else:
            self._loading[account] = [waiting]
            self._load((account,))
        return waiting

    async def fetch_all(self, accounts: Sequence[JID]) -> Sequence[Resident | None]:
        """What `fetch` gives for each, with fewer ways to the store."""
        missing = [jid for jid in accounts if jid not in self._all and jid not in self._loading]
        for start in range(0, len(missing), AT_A_TIME):
            some = missing[start : start + AT_A_TIME]
            self._loading.update((jid, []) for jid in some)
            self._load(some)
        return [await self.fetch(jid) for jid in accounts]

    def _load(self, accounts: Sequence[JID]) -> None:
        async def work(tx: Transaction) -> Sequence[Resident | None]:
            return [await self._read(tx, account) for account in accounts]

        def loaded(residents: Sequence[Resident | None]) -> None:
            for account, resident in zip(accounts, residents, strict=True):
                self._loaded(account, resident)

        def failed(failure: Failure) -> None:
            for account in accounts:
                self._settle(account, lambda d: d.errback(failure))

        self._stores.database.read(work).addCallbacks(loaded, failed)

    def guest(self, account: JID) -> Resident:
        """Keep a guest, of whom the store knows nothing, while he has a session."""
        found = self._all.get(account)
        if found is None:
            found = self._all[account] = Resident(account, 0, 0.0, Roster())
        return found

    def left(self, account: JID) -> None:
        """A session of the account has ended: without another it need not stay in memory."""
        resident = self._all.get(account)
        if resident is None or self._directory.of(account):
            return
        if resident.guest:
            del self._all[account]
        else:
            self._keep(resident)

    def forget(self, account: JID) -> None:
        """Let go of an account: it was removed, or what is in memory may not be what is stored."""
        self._all.pop(account, None)
        self._weight -= self._recent.pop(account, 0)
        if account in self._loading:
            self._outdated.add(account)

    def _keep(self, resident: Resident) -> None:
        """Keep one that has no session; those that have one by now leave the list here."""
        recent = self._recent
        weight = resident.weight
        self._weight += weight - recent.pop(resident.jid, 0)
        recent[resident.jid] = weight
        while self._weight > WEIGHT and len(recent) > 1:
            jid, weight = recent.popitem(last=False)
            self._weight -= weight
            oldest = self._all.get(jid)
            if oldest is None or self._directory.of(jid):
                continue
            if oldest.lock.locked:  # somebody is changing it: another copy would be outdated
                self._keep(oldest)
                return
            del self._all[jid]

    async def _read(self, tx: Transaction, account: JID) -> Resident | None:
        found = await find_account(tx, account)
        if found is None:
            return None
        id_, created = found
        roster = Roster(await self._stores.rosters.load(tx, id_))
        resident = Resident(account, id_, created, roster)
        for key, load in self.loads.items():
            resident.data[key] = await load(tx, id_)
        return resident

    def _loaded(self, account: JID, resident: Resident | None) -> None:
        if account in self._outdated:  # what was read may be older than its removal
            self._outdated.discard(account)
            self._load((account,))
            return
        if resident is not None:
            self._all[account] = resident
            self._keep(resident)
        self._settle(account, lambda d: d.callback(resident))

    def _settle(self, account: JID, fire: Callable[[Deferred[Resident | None]], None]) -> None:
        for waiting in self._loading.pop(account, []):
            fire(waiting)
