"""The values of the model of a node (`tests.support.pubsub_model`): settings, items, what is told.

JIDs are without the server's domain: `juliet` is an account, `juliet/balcony` one of its sessions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

AFFILIATIONS = ("outcast", "none", "publish-only", "member", "publisher", "owner")
ACCESS_MODELS = ("open", "presence", "roster", "authorize", "whitelist")
SHOWS = ("online", "chat", "away", "xa", "dnd")
"""What presence says of who is there (§17.4.2)."""
PUBLISH_MODELS = ("publishers", "subscribers", "open")

Event = tuple[object, ...]
"""What is told: "items", "retract", "purge", "delete", …, and what is said of it."""


class Refused(Exception):
    """An operation is not allowed; any of these says so.

    Each is RFC 6120's condition and behind it, if there is one, that of publish-subscribe.
    """

    def __init__(self, *conditions: str) -> None:
        super().__init__(*conditions)
        self.conditions = frozenset(conditions)


@dataclass(frozen=True)
class Settings:
    """The configuration that matters here (§17.4.4)."""

    access_model: str = "open"
    roster_groups_allowed: tuple[str, ...] = ()
    publish_model: str = "publishers"
    subscribe: bool = True
    persist_items: bool = True
    max_items: int = 1_000
    publish_node_full: str = "discard-oldest"
    deliver_notifications: bool = True
    deliver_payloads: bool = True
    notify_config: bool = False
    notify_delete: bool = True
    notify_retract: bool = True
    notify_sub: bool = False
    presence_based_delivery: bool = False
    tempsub: bool = False
    purge_offline: bool = False
    send_last_published_item: str = "on_sub_and_presence"
    itemreply: str = "none"


@dataclass(frozen=True)
class Item:
    """An item: `publisher` is an account, `text` what its payload says, None for no payload."""

    id: str
    publisher: str
    text: str | None
    fleeting: str = ""
    """Whether it goes with its publisher: "seen" once he was there since, "unseen" before."""


@dataclass
class Subscription:
    """Who is subscribed, or wants to be."""

    jid: str
    subid: str
    state: str
    deliver: bool = True
    shows: tuple[str, ...] = SHOWS
    temporary: bool = False


@dataclass
class Told:
    """What one operation makes the service tell."""

    must: defaultdict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    """What each session gets."""
    letters: list[tuple[str, Event]] = field(default_factory=list)
    """What an account, or one of its sessions, is written; of several sessions one may get it."""
    may: list[tuple[str, Event]] = field(default_factory=list)
    """What it may be written as well, or not."""
    again: dict[str, Event] = field(default_factory=dict)
    """The last item, for sessions that may be told of it however often."""


class Contacts:
    """Who sees whose presence, and is in which groups of whose roster (RFC 6121 §2, §3).

    Each by the owner of the roster, and the contact.
    """

    def __init__(self, groups: Mapping[tuple[str, str], frozenset[str]]) -> None:
        self.seeing = set(groups)
        self.groups = dict(groups)

    def sees(self, contact: str, owner: str) -> bool:
        """Whether a contact sees an owner's presence."""
        return (owner, contact) in self.seeing

    def among(self, contact: str, owner: str, groups: Iterable[str]) -> bool:
        """Whether a contact is in one of these groups of an owner's."""
        return not self.groups.get((owner, contact), frozenset()).isdisjoint(groups)


def account_of(jid: str) -> str:
    """Whose session, or which account, it is."""
    return jid.partition("/")[0]


def _table(written: str) -> Mapping[str, Mapping[str, str]]:
    lines = [[cell.strip() for cell in line.split("|")] for line in written.strip().splitlines()]
    (_, *headings), *rows = lines
    return {name: dict(zip(headings, cells, strict=True)) for name, *cells in rows}


PRIVILEGES = _table("""
    Affiliation  | Subscribe | Retrieve | Publish | Delete Item | Purge | Configure | Delete Node
    owner        | Yes       | Yes      | Yes     | Yes         | Yes   | Yes       | Yes
    publisher    | Yes       | Yes      | Yes     | Yes *       | Yes * | No        | No
    publish-only | No        | No       | Yes     | Yes *       | No *  | No        | No
    member       | Yes       | Yes      | No      | No          | No    | No        | No
    none         | Yes       | No       | No      | No          | No    | No        | No
    outcast      | No        | No       | No      | No          | No    | No        | No
""")
"""§4.1, as the XEP has it.

`*`: any publisher may be let delete any item, but those who may only publish their own alone. What
"none" may, the models of access and of publishing say.
"""
