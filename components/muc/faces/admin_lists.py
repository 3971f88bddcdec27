"""Lists of those who have a role or an affiliation, as they are written (XEP-0045 §17.4).

Rule 1: a list fits into a stanza, whatever the addresses and reasons in it are like: reasons are
left out of a longer one, and then whoever is too many. How many there are is told then (XEP-0059
§2.7), so nobody takes it for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from components.common.build import Content, Tag
from components.common.paging import RESULT_SET
from components.muc.model.occupant import Occupant
from components.muc.model.ranks import Affiliation, Role
from components.muc.model.room import Room
from components.muc.model.standing import Standing
from components.muc.names import MUC_ADMIN

OCTETS = 1_000_000
"""Octets of a list: a quarter of what the server takes from a component at once."""


def listed(room: Room, wanted: Role | Affiliation) -> Tag:
    """The list of a role or an affiliation."""
    if isinstance(wanted, Role):
        occupants = list(room.having(wanted))
        return _answer(*_fitting(map(_by_role, occupants)), len(occupants))
    standings = list(room.standings.having(wanted))
    found, whole = _fitting(map(_by_affiliation, standings))
    if not whole:
        found, whole = _fitting(_by_affiliation(each._replace(reason="")) for each in standings)
    return _answer(found, whole, len(standings))


def _answer(found: Sequence[bytes], whole: bool, number: int) -> Tag:
    children: list[Content] = [*found]
    if not whole:
        children.append(Tag("set", {}, [Tag("count", {}, str(number))], ns=RESULT_SET))
    return Tag("query", {}, children, ns=MUC_ADMIN)


def _fitting(items: Iterable[Tag]) -> tuple[Sequence[bytes], bool]:
    """As many items as fit, from the first on, and whether these are all."""
    found: list[bytes] = []
    octets = OCTETS
    for each in items:
        item = each.render()
        octets -= len(item)
        if octets < 0:
            return found, False
        found.append(item)
    return found, True


def _by_role(occupant: Occupant) -> Tag:
    """An item of a list of roles."""
    attrs = {
        "affiliation": occupant.affiliation.text,
        "jid": occupant.session,
        "nick": occupant.nick,
        "role": occupant.role.text,
    }
    return Tag("item", attrs)


def _by_affiliation(standing: Standing) -> Tag:
    """An item of a list of affiliations: with the registered nick, and without a role."""
    attrs = {
        "affiliation": standing.affiliation.text,
        "jid": standing.jid,
        "nick": standing.nick or None,
    }
    reason = [Tag("reason", {}, standing.reason)] if standing.reason else []
    return Tag("item", attrs, reason)
