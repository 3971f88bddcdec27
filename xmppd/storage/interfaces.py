"""The store's two seams: the subjects the server asks, and the database they are written over.

Everything here answers with a Deferred that fires in the reactor thread. Any of them may fail
with `errors.StoreBusy` (too much is waiting, or waited too long) or `errors.StoreError` (disk
full, file damaged, database gone); both carry the stanza error condition to answer with.
Cancelling a Deferred stops the waiting, not the work: what waits in the queue is begun in its turn,
and what runs on a connection is committed, as if nobody had cancelled. Whoever has to know what
became of a write is not to be cut off from it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeVar

from twisted.internet.defer import Deferred

from xmppd.credentials import Credentials
from xmppd.jid import JID

if TYPE_CHECKING:
    from xmppd.storage.avatars import SQLAvatars
    from xmppd.storage.components import SQLComponents
    from xmppd.storage.last import SQLLastPresence
    from xmppd.storage.offline import SQLOfflineMessages
    from xmppd.storage.privacy import SQLPrivacy
    from xmppd.storage.private import SQLPrivate
    from xmppd.storage.rosters import SQLRosters

T = TypeVar("T")

Value: TypeAlias = bool | int | float | str | bytes | None
"""What a statement takes as a parameter."""


class Result(NamedTuple):
    """What a statement gave: its rows, and how many rows it changed."""

    rows: Sequence[tuple[Any, ...]]
    """The rows of a query or a RETURNING clause; empty for other statements."""
    changed: int
    """Rows inserted, updated or deleted; of no meaning for a query."""


class Transaction(Protocol):
    """A running transaction, good until the unit of work that was given it returns."""

    async def execute(self, sql: str, params: Sequence[Value] = ()) -> Result:
        """Run one statement; `?` stands for each of `params`, in every dialect.

        Raises `errors.StoreError`, with the database's own exception as its cause; the unit
        of work can't go on after that and must let it pass.
        """
        ...


Work: TypeAlias = Callable[[Transaction], Coroutine[Any, Any, T]]
"""A unit of work: `async def work(tx)`, run within one transaction.

It awaits its transaction and nothing else, so that a thread can run it straight through and an
asynchronous driver can run it too. It touches nothing outside the database: a backend may run
it again when what it did was rolled back.
"""


class Database(Protocol):
    """Runs units of work, each of them wholly or not at all."""

    def read(self, work: Work[T]) -> Deferred[T]:
        """Run `work`, which changes nothing, on one consistent view of the data.

        It sees every write whose Deferred had fired. A statement that would change something
        fails with `errors.StoreError`.
        """
        ...

    def write(self, work: Work[T]) -> Deferred[T]:
        """Run `work` and commit it; the Deferred fires only once it is on the disk.

        Writes are done in the order in which they were asked for, each seeing those before it;
        what other processes write to the same database comes in between. Where a connection
        breaks so that nobody can say whether a commit was done, it fails with StoreError and is
        not done again.

        An exception from `work` undoes what it did, and nothing else, and is what the Deferred
        fails with.
        """
        ...

    def close(self) -> Deferred[None]:
        """Finish what waits, then let go of the database. Later work fails with StoreError."""
        ...


class AccountExists(Exception):
    """There is an account of this name already."""

    def __init__(self, jid: JID) -> None:
        super().__init__(str(jid))
        self.jid = jid


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it was when it was read; `jid` is bare.

    `id` is never used again, not even by an account made later under the same name; whatever
    else is stored of an account refers to it by `id`. `created` is in seconds UTC since 1970.
    """

    id: int
    jid: JID
    created: float
    enabled: bool
    credentials: Credentials = field(repr=False)


class Accounts(Protocol):
    """Who may log in. An account is named by its bare JID."""

    def get(self, jid: JID) -> Deferred[Account | None]:
        """The account, switched off or not; None where there is none."""
        ...

    def exists(self, jid: JID) -> Deferred[bool]:
        """Whether there is such an account, switched off or not."""
        ...

    def create(self, jid: JID, credentials: Credentials, *, now: float) -> Deferred[Account]:
        """Make an account, created at `now` (seconds UTC since 1970), enabled.

        Fails with `AccountExists`.
        """
        ...

    def set_credentials(self, jid: JID, credentials: Credentials) -> Deferred[bool]:
        """Replace the credentials altogether; False where there is no such account."""
        ...

    def replace_credentials(self, account: Account, credentials: Credentials) -> Deferred[bool]:
        """Replace the credentials of `account` if they still are those that it was read with.

        False where they are others by now, or the account is gone.
        """
        ...

    def set_enabled(self, jid: JID, enabled: bool) -> Deferred[bool]:
        """Switch the account on or off; False where there is no such account."""
        ...

    def remove(self, jid: JID) -> Deferred[bool]:
        """Delete the account and all that refers to its id; False where there is none."""
        ...

    def list(self, domain: str, after: str = "", limit: int = 100) -> Deferred[Sequence[Account]]:
        """At most `limit` accounts whose local part sorts behind `after`, by code point."""
        ...

    def count(self, domain: str) -> Deferred[int]:
        """How many accounts the domain has, those switched off included."""
        ...

    def iterations(self) -> Deferred[Mapping[str, Mapping[int, int]]]:
        """By domain, how many keys there are of each iteration count.

        It reads all of them, so it takes a while, but stretch by stretch: others get their turn.
        """
        ...


@dataclass(frozen=True, slots=True)
class Stores:
    """The core's stores, each by its subject, and the database under them (for `close`)."""

    accounts: Accounts
    rosters: SQLRosters
    last: SQLLastPresence
    offline: SQLOfflineMessages
    privacy: SQLPrivacy
    private: SQLPrivate
    components: SQLComponents
    avatars: SQLAvatars
    database: Database
