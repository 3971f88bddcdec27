"""What the configuration file of `twistd xmppd-muc` has besides the tables of every component."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, structs

from components.common.config import Loaded, Settings
from components.muc import defaults
from components.muc.defaults import Defaults
from components.muc.model.policy import Creators, Policy, accounts
from components.muc.model.rates import Limits
from components.muc.model.settings import Settings as RoomSettings
from xmppd.config.schema import Table
from xmppd.jid import JIDError

_DEFAULT = Policy()

Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]
Rate = Annotated[float, Meta(ge=0)]


class Rates(Table, frozen=True):
    """`[muc.rates]`: events a second, as many as that `burst` seconds long at once; 0: no limit."""

    messages: Rate = _DEFAULT.rates.messages
    room_messages: Rate = _DEFAULT.rates.room_messages
    presence: Rate = _DEFAULT.rates.presence
    room_presence: Rate = _DEFAULT.rates.room_presence
    requests: Rate = _DEFAULT.rates.requests
    joins: Rate = _DEFAULT.rates.joins
    burst: Annotated[float, Meta(ge=1)] = _DEFAULT.rates.burst


class MUCTable(Table, frozen=True):
    """`[muc]`: who may do what on the service, and how much there may be of everything.

    0 is no limit, where nothing else is said.
    """

    name: str = "Chatrooms"
    admins: tuple[str, ...] = ()
    create: Creators = _DEFAULT.create
    locked: bool = _DEFAULT.locked
    lock_seconds: Annotated[float, Meta(ge=10)] = _DEFAULT.lock_seconds
    lock_wait: Annotated[float, Meta(ge=0, le=30)] = _DEFAULT.lock_wait
    rooms: Count = _DEFAULT.rooms
    owned: Count = _DEFAULT.owned
    occupants: Annotated[int, Meta(ge=1)] = _DEFAULT.occupants
    entered: Count = _DEFAULT.entered
    clients: Count = _DEFAULT.clients
    sessions: Count = _DEFAULT.sessions
    affiliations: Annotated[int, Meta(ge=1)] = _DEFAULT.affiliations
    history: Count = _DEFAULT.history
    defaults: Defaults = Defaults()
    archive_messages: Count = _DEFAULT.archive_messages
    archive_days: Annotated[float, Meta(ge=0)] = _DEFAULT.archive_days
    grace_seconds: Seconds = _DEFAULT.grace_seconds
    rates: Rates = Rates()


class Config(Settings, frozen=True):
    """The whole file."""

    muc: MUCTable = MUCTable()


def policy(loaded: Loaded[Config]) -> Policy:
    """The service's rules as a file has them; raises ConfigError for what makes no sense."""
    table = loaded.settings.muc
    try:
        admins = accounts(table.admins)
    except JIDError as error:
        remedy = "Write addresses such as admin@example.org"
        raise loaded.fault(("muc", "admins"), str(error), remedy) from None
    return Policy(
        domains=loaded.servers,
        guests=loaded.guests,
        admins=admins,
        create=table.create,
        locked=table.locked,
        lock_seconds=table.lock_seconds,
        lock_wait=table.lock_wait,
        rooms=table.rooms,
        owned=table.owned,
        occupants=table.occupants,
        entered=table.entered,
        clients=table.clients,
        sessions=table.sessions,
        affiliations=table.affiliations,
        history=table.history,
        archive_messages=table.archive_messages,
        archive_days=table.archive_days,
        grace_seconds=table.grace_seconds,
        rates=Limits(**structs.asdict(table.rates)),
    )


def room_defaults(loaded: Loaded[Config], rules: Policy) -> RoomSettings:
    """How rooms are set up that nobody has; raises ConfigError for what they can't be like."""
    return defaults.checked(loaded.settings.muc.defaults, rules, loaded.source)
