"""What the table of a component grants it, in words, each with the key that does.

Of what is not granted the key is shown that would.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from xmppd.config import Component, keys
from xmppd.modules.component_accounts import concerned_by


class Grant(NamedTuple):
    """Something that a component may do, or may not; `what` completes "it may"."""

    what: str
    key: str
    given: bool = True


def granted(table: Component) -> list[Grant]:
    """All that there is to grant."""
    return [grant for read in READERS for grant in read(table)]


def _delegation(table: Component) -> Iterator[Grant]:
    for namespace, attributes in table.delegation.items():
        with_ = f" that have {' and '.join(attributes)}" if attributes else ""
        key = f"{keys.written(('delegation', namespace))} = {json.dumps(list(attributes))}"
        yield Grant(f"answer requests of {namespace}{with_} in the server's place", key)
    if not table.delegation:
        yield Grant("answer any requests in the server's place", "delegation", False)


def _roster(table: Component) -> Iterator[Grant]:
    reads, changes = table.roster in ("get", "both"), table.roster in ("set", "both")
    key = f'roster = "{table.roster}"'
    yield Grant("read rosters", key if reads else _adding("get", changes), reads)
    yield Grant("change rosters", key if changes else _adding("set", reads), changes)
    told = reads and table.roster_push
    wanted = "roster_push = true" if reads else _adding("get", changes)
    yield Grant("be told when a roster changes", f"{key}, {wanted}" if told else wanted, told)


def _adding(access: str, to_other: bool) -> str:
    return f'roster = "{"both" if to_other else access}"'


def _message(table: Component) -> Iterator[Grant]:
    what = "send messages in the name of users and of the domain"
    yield Grant(what, 'message = "outgoing"', table.message == "outgoing")


_ASKED: Mapping[str, str] = {
    "get": "ask in users' names, by get, with",
    "set": "ask in users' names, by set, with",
    "both": "ask in users' names, by get and set, with",
}


def _iq(table: Component) -> Iterator[Grant]:
    for namespace, type_ in table.iq.items():
        key = f'{keys.written(("iq", namespace))} = "{type_}"'
        yield Grant(f"{_ASKED[type_]} {namespace}", key)
    if not table.iq:
        yield Grant("ask anything in users' names", "iq", False)


def _presence(table: Component) -> Iterator[Grant]:
    own, key = table.presence != "none", f'presence = "{table.presence}"'
    others = table.presence == "roster"
    yield Grant("see the presence of users", key if own else 'presence = "managed_entity"', own)
    yield Grant("see the presence of their contacts", 'presence = "roster"', others)
    wants = "see of which nodes their clients want events"
    needed = "interests = true" if own else 'presence = "managed_entity", interests = true'
    yield Grant(wants, needed, own and table.interests)
    strangers = "see who shows himself to them without a subscription"
    needed = 'presence = "roster", interests = true'
    yield Grant(strangers, needed, others and table.interests)


def _multicast(table: Component) -> Iterator[Grant]:
    if table.multicast:
        what = f"send a stanza to {table.multicast} addresses at once"
        yield Grant(what, f"multicast = {table.multicast}")
    else:
        yield Grant("send a stanza to many addresses at once", "multicast", False)


def _accounts(table: Component) -> Iterator[Grant]:
    by = concerned_by(table)
    key = "accounts = true" if table.accounts or not by else ", ".join(by)
    yield Grant("be told of removed accounts", key, bool(by))


def _tunnel(table: Component) -> Iterator[Grant]:
    yield Grant("carry sessions of clients", "tunnel = true", table.tunnel)


READERS: tuple[Callable[[Component], Iterator[Grant]], ...] = (
    _delegation,
    _roster,
    _message,
    _iq,
    _presence,
    _multicast,
    _tunnel,
    _accounts,
)
"""One for each subject, in the order in which they are told."""
