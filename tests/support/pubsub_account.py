"""A node of an account's (XEP-0163) among the same people, who see its presence or do not.

It is as any other (`tests.support.pubsub_model`), but whoever sees the account's presence is told
of it without having subscribed, as far as his client wants that (`+notify`).
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.capabilities import Kind
from tests.support.interests import want
from tests.support.pubsub import PUBSUB
from tests.support.pubsub_model import Node
from tests.support.pubsub_play import Stage
from tests.support.pubsub_standing import FORBIDDEN
from tests.support.pubsub_values import Item, Refused, Settings, Subscription, account_of
from tests.support.server import DOMAIN
from tests.support.steps import Step
from xmppd import ns

ACCOUNT = "juliet"
NAME = "urn:example:play"
WANTING = ("juliet/balcony", "romeo/street", "tybalt/street", "mercutio/street", "benvolio/street")
"""The sessions whose clients want the node; others of the same people do not."""

DEAF = ("outcast", "publish-only")
"""Ranks that are told of nothing."""


class AccountNode(Node):
    """The node, which nobody but its account can make."""

    defaults = Settings(access_model="presence", max_items=1, presence_based_delivery=True)
    forgetful = False
    """Whether another process has taken over, which may not know the roster yet."""

    def create(self, who: str, **settings: object) -> None:
        if account_of(who) != ACCOUNT:
            raise Refused(FORBIDDEN)
        super().create(who, **settings)

    def publish(self, who: str, item: Item | None) -> None:
        """The account makes it by publishing, too (XEP-0163 §3)."""
        new = not self.exists and account_of(who) == ACCOUNT
        if new:
            self.create(who)
        try:
            super().publish(who, item)
        except Refused:
            if new:
                self._nothing()
            raise

    def affiliate(self, who: str, account: str, rank: str) -> None:
        self._owner(who)
        if account == ACCOUNT and rank != "owner":
            raise Refused("not-acceptable")
        super().affiliate(who, account, rank)

    # ------------------------------------------------------------------ who is told (XEP-0163 §4)

    def addresses(self, subscription: Subscription) -> list[str]:
        """Of a subscriber those sessions that want it, where there are any (XEP-0163 §4.3.2)."""
        found = super().addresses(subscription)
        if "/" in subscription.jid:
            return found
        shown = [s for s in self.reached(subscription.jid) if self.there[s] in subscription.shows]
        return [each for each in shown if each in WANTING] or found

    def interested(self) -> Iterator[str]:
        """The sessions that are told without a subscription."""
        return (each for each in WANTING if each in self.there and self._is_told(each))

    def _is_told(self, session: str) -> bool:
        account = account_of(session)
        return self._hears(account) or (session in self.sharing and self._may_share(account))

    def _hears(self, account: str) -> bool:
        if account == ACCOUNT:
            return True
        if not self.contacts.sees(account, ACCOUNT):
            return self.contacts.sees(ACCOUNT, account) and self._may_share(account)
        if self.rank(account) != "none":
            return self.may(account, "Retrieve")
        return self.settings.access_model in ("open", "presence", "roster") and self.admitted(
            account
        )

    def _may_share(self, account: str) -> bool:
        """Whether it is enough to show one's presence (XEP-0060 §9.1.3)."""
        return self.settings.access_model == "open" and self.rank(account) not in DEAF

    def audience(self, *states: str) -> dict[str, list[str]]:
        found = super().audience(*states)
        for session in self.interested():
            found.setdefault(session, [])
        return found

    def _gained(self, before: set[str]) -> None:
        """Who hears of it now, and did not before, is told of the last item (§4.3.3, §4.3.4)."""
        if self.exists and self._sends_last("on_sub_and_presence"):
            for session in set(self.interested()) - before:
                self._tell_last(session)

    def configure(self, who: str, **changes: object) -> None:
        before = set(self.interested())
        super().configure(who, **changes)
        # XEP-0060 §13.2; open: who is subscribed has been told, or is by that.
        self._gained(before | self._subscribed())

    def _subscribed(self) -> set[str]:
        subscribed = {each.jid for each in self.subscriptions if each.state == "subscribed"}
        return {each for each in WANTING if not subscribed.isdisjoint((each, account_of(each)))}

    def share(self, _: str, who: str) -> None:
        """XEP-0060 §9.1.3; open: likewise."""
        before = set(self.interested())
        super().share(_, who)
        self._gained(before | self._subscribed())

    def show(self, _: str, who: str, show: str) -> None:
        before = set(self.interested())
        super().show(_, who, show)
        self._gained(before)

    def _arrive(self, who: str, *, first: bool) -> None:
        if who not in self.interested():
            super()._arrive(who, first=first)

    def _where(self, jid: str, who: str, *, first: bool) -> list[str]:
        """Each session by itself (XEP-0163 §4.3.4)."""
        return [who] if jid in (who, account_of(who)) else []

    def meet(self, _: str, owner: str, contact: str) -> None:
        before = set(self.interested())
        super().meet(_, owner, contact)
        self._gained(before)

    def group(self, _: str, owner: str, contact: str, groups: tuple[str, ...]) -> None:
        before = set(self.interested())
        super().group(_, owner, contact, groups)
        self._gained(before)
        if self.forgetful:
            self._hear_again()

    def again(self, _: str) -> None:
        super().again(_)
        self.forgetful = True


class AccountStage(Stage):
    """The people, and a node at juliet's account."""

    service = f"{ACCOUNT}@{DOMAIN}"
    model = AccountNode

    def _log_in(self, session: str) -> None:
        super()._log_in(session)
        want(self.people[session], NAME if session in WANTING else "urn:example:other")

    def caps(self, session: str) -> str:
        return (KIND if session in WANTING else OTHER).c

    def _name(self) -> None:
        self.name = NAME

    def _reply(self, step: Step, session: str) -> str:
        """To the account's resource that it was, for who sees it (XEP-0163 §4.3.1).

        open: not to one that nobody can see.
        """
        account = account_of(session)
        own = account_of(step.who) == ACCOUNT and step.who in self.there
        sees = account == ACCOUNT or self.contacts.sees(account, ACCOUNT)
        return step.who if own and sees else ""

    def _approve(self, jid: str, allow: bool) -> str:
        """Forms go to the domain, which others than the account reach, and name the account."""
        said = super()._approve(jid, allow).replace(f"to='{self.service}'", f"to='{PUBSUB}'")
        of = f"<field var='x-service'><value>{self.service}</value></field>"
        return said.replace("</x>", f"{of}</x>")


KIND, OTHER = (Kind(ns.DISCO_INFO, f"{name}+notify") for name in (NAME, "urn:example:other"))
