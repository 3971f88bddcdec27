"""Privacy lists in SQL, for every dialect (XEP-0016)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct
from twisted.internet.defer import Deferred

from xmppd.storage.interfaces import Database, Transaction

_LISTS = "SELECT name, items FROM privacy_lists WHERE account = ? ORDER BY name"
_DEFAULT = "SELECT name FROM privacy_defaults WHERE account = ?"
_PUT = (
    "INSERT INTO privacy_lists (account, name, items) VALUES (?, ?, ?)"
    " ON CONFLICT (account, name) DO UPDATE SET items = excluded.items"
)
_REMOVE = "DELETE FROM privacy_lists WHERE account = ? AND name = ?"
_SET_DEFAULT = (
    "INSERT INTO privacy_defaults (account, name) VALUES (?, ?)"
    " ON CONFLICT (account) DO UPDATE SET name = excluded.name"
)
_DROP_DEFAULT = "DELETE FROM privacy_defaults WHERE account = ?"

RuleType: TypeAlias = Literal["", "jid", "group", "subscription"]
"""What a rule goes by; "" for the fall-through (XEP-0016 §2.1)."""


class PrivacyItem(Struct, frozen=True, gc=False, array_like=True):
    """One rule of a list (XEP-0016 §2.1).

    `kinds` is a sum of the bits of `xmppd.core.privacy`; `value` a JID in normal form, the name of
    a group, or a subscription.
    """

    order: int
    deny: bool
    kinds: int
    type: RuleType = ""
    value: str = ""


Items: TypeAlias = tuple[PrivacyItem, ...]
"""The rules of one list, by ascending order."""


class StoredPrivacy(Struct):
    """An account's lists as they are in the store; `default` is "" where there is none."""

    lists: Mapping[str, Items]
    default: str = ""


class SQLPrivacy:
    """The tables of `schema/core/0005_privacy.sql`. Accounts are named by their `Account.id`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, tx: Transaction, account: int) -> StoredPrivacy:
        """All lists of an account, within a unit of work."""
        rows = (await tx.execute(_LISTS, (account,))).rows
        if not rows:
            return StoredPrivacy({})
        lists = {name: msgspec.json.decode(items, type=Items) for name, items in rows}
        default = (await tx.execute(_DEFAULT, (account,))).rows
        return StoredPrivacy(lists, default[0][0] if default else "")

    def change(
        self, account: int, lists: Mapping[str, Items | None], default: str
    ) -> Deferred[None]:
        """Keep each of `lists` in place of the one of its name, None for none, and the default.

        All of it or nothing; lists that are not named stay as they are.
        """

        async def work(tx: Transaction) -> None:
            for name, items in lists.items():
                if items is None:
                    await tx.execute(_REMOVE, (account, name))
                else:
                    await tx.execute(_PUT, (account, name, _dump(items)))
            if default:
                await tx.execute(_SET_DEFAULT, (account, default))
            else:
                await tx.execute(_DROP_DEFAULT, (account,))

        return self._database.write(work)


def _dump(items: Sequence[PrivacyItem]) -> str:
    return msgspec.json.encode(items).decode()
