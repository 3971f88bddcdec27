"""What a node is at a moment, and what follows from it (XEP-0060 §4, §7.1.2, §13.3).

Who may what, and who is told of what; `pubsub_model` has what is done to it. Where the text leaves
something open, what xmppd does stands behind "open:".
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.support.pubsub_values import (
    PRIVILEGES,
    SHOWS,
    Contacts,
    Event,
    Item,
    Refused,
    Settings,
    Subscription,
    Told,
    account_of,
)

GONE = "item-not-found"
FORBIDDEN = "forbidden"


class Standing:
    """The node, and those who have to do with it: `there` has what sessions show that are."""

    defaults = Settings()

    def __init__(self, contacts: Contacts, there: dict[str, str]) -> None:
        self.contacts = contacts
        self.sharing: set[str] = set()
        """The sessions that show themselves to juliet by directed presence."""
        self.there = there
        self.told = Told()
        self._nothing()

    def _nothing(self) -> None:
        self.exists = False
        self.creator = ""
        self.settings = self.defaults
        self.affiliations: dict[str, str] = {}
        self.subscriptions: list[Subscription] = []
        self.items: list[Item] = []
        self.last: Item | None = None
        """That which was published last, kept or not (§13.10)."""

    # ------------------------------------------------------------------ who may what (§4.1, §4.5)

    def rank(self, account: str) -> str:
        """What somebody is to the node."""
        return self.affiliations.get(account, "none")

    def owners(self) -> list[str]:
        """Those whom it belongs to."""
        return [account for account, rank in self.affiliations.items() if rank == "owner"]

    def may(self, account: str, privilege: str) -> bool:
        """Whether somebody's affiliation lets him do something."""
        return PRIVILEGES[self.rank(account)][privilege].startswith("Yes")

    def closed(self, account: str, privilege: str) -> str:
        """Why somebody may not subscribe to it or retrieve items, "" where he may."""
        if self.rank(account) != "none":
            return "" if self.may(account, privilege) else FORBIDDEN  # §6.1.3.8, §6.5.9.10
        model = self.settings.access_model
        if model == "whitelist":
            return "not-allowed closed-node"  # §6.1.3.4, §6.5.9.8
        if model == "authorize" and privilege == "Retrieve":
            states = [each.state for each in self.of(account)]
            return "" if "subscribed" in states else "not-authorized not-subscribed"  # §6.5.9.3
        if self.admitted(account):
            return ""
        if model == "presence":
            return "not-authorized presence-subscription-required"  # §6.1.3.2, §6.5.9.6
        return "not-authorized not-in-roster-group"  # §6.1.3.3, §6.5.9.7

    def admitted(self, account: str) -> bool:
        """Whether a roster lets somebody in, or none is asked; open: the creator's alone."""
        settings, contacts = self.settings, self.contacts
        host = self.creator if self.rank(self.creator) == "owner" else ""
        if settings.access_model == "presence":
            return contacts.sees(account, host)
        if settings.access_model == "roster":
            return contacts.among(account, host, settings.roster_groups_allowed)
        return True

    def _there(self) -> None:
        if not self.exists:
            raise Refused(GONE)

    def _owner(self, who: str) -> None:
        self._there()
        if self.rank(account_of(who)) != "owner":
            raise Refused(FORBIDDEN)

    # ------------------------------------------------------------------ who is told (§7.1.2, §13.3)

    def of(self, account: str) -> list[Subscription]:
        """The subscriptions of an account and its sessions."""
        return [each for each in self.subscriptions if account_of(each.jid) == account]

    def reached(self, jid: str) -> list[str]:
        """The sessions that get a message to a JID (RFC 6121 §8.5).

        One that is named gets it even while it is not available.
        """
        if "/" in jid:
            return [jid]
        return [session for session in sorted(self.there) if account_of(session) == jid]

    def addresses(self, subscription: Subscription) -> list[str]:
        """Where somebody is told: single sessions, if only they show what he has chosen (§6.3)."""
        jid, shows = subscription.jid, subscription.shows
        depends = self.settings.presence_based_delivery or shows != SHOWS
        if not depends:
            return [jid]
        reached = self.reached(jid)
        found = [each for each in reached if self.there.get(each) in shows]
        return [jid] if found == reached else found

    def same(self, jid: str, *states: str) -> int:
        """How many subscriptions a JID has."""
        return sum(each.jid == jid and each.state in states for each in self.subscriptions)

    def audience(self, *states: str) -> dict[str, list[str]]:
        """The JIDs that are told, once each (§6.1.6), with the ids of their subscriptions.

        Where a JID has one alone it needs no id (§7.1.2.4).
        """
        found: dict[str, list[str]] = {}
        for each in self.subscriptions:
            if each.state in states and each.deliver:
                several = self.same(each.jid, *states) > 1
                for jid in self.addresses(each):
                    found.setdefault(jid, []).extend([each.subid] if several else [])
        return found

    def _tell(
        self, *event: object, subids: bool = True, states: tuple[str, ...] = ("subscribed",)
    ) -> None:
        """Tell subscribers of an event; those who have several subscriptions by which (§13.16).

        open: of nothing, not even of changes, where the node delivers no notifications.
        """
        if not self.settings.deliver_notifications:
            return
        for jid, ids in self.audience(*states).items():
            headers = tuple(sorted(ids)) if subids else ()
            for session in self.reached(jid):
                self.told.must[session].append((*event, headers))

    def _notice(self, subscription: Subscription, state: str) -> None:
        """§13.14."""
        told = ("subscription", account_of(subscription.jid), state, ())
        self.told.letters.append((subscription.jid, told))

    def event_item(self, item: Item) -> Event:
        """An item as it is told: with its payload if the node delivers it (§7.1.2.1, §7.1.2.2)."""
        return (item.id, item.text if self.settings.deliver_payloads else None, self._said(item))

    def _said(self, item: Item) -> str:
        """§7.1.2.3, §13.17; open: of several owners the one who has made it, or the first."""
        owners = sorted(self.owners())
        owner = self.creator if self.creator in owners else "".join(owners[:1])
        told = {"publisher": item.publisher, "owner": owner, "none": ""}
        return told[self.settings.itemreply]

    def _sends_last(self, *when: str) -> bool:
        """Whether the last item is sent (§6.1.7, §13.10); open: not where no others are."""
        sends = self.settings.send_last_published_item in when
        return sends and self.settings.deliver_notifications and self.last is not None

    def _tell_last(self, jid: str, ids: Iterable[str] = ()) -> None:
        assert self.last is not None
        for session in self.reached(jid):
            event = ("last", (self.event_item(self.last),), tuple(sorted(ids)))
            self.told.must[session].append(event)

    def _send_last(self, subscription: Subscription) -> None:
        if subscription.deliver and self._sends_last("on_sub", "on_sub_and_presence"):
            several = self.same(subscription.jid, "subscribed", "pending") > 1
            for jid in self.addresses(subscription):
                self._tell_last(jid, [subscription.subid] if several else ())

    def _tell_owners(self, subscription: Subscription, state: str) -> None:
        """`pubsub#notify_sub` (§17.4.4)."""
        if self.settings.notify_sub:
            event = ("subscription", account_of(subscription.jid), state, ())
            for owner in self.owners():
                for session in self.reached(owner):
                    self.told.must[session].append(event)
