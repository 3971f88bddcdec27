"""A node as XEP-0060 describes it (§6 to §8), and no more than that.

It is written from the text, and knows nothing of the component that it is held against. An
operation raises `Refused` with the conditions that the text allows, whichever comes first in an
implementation's order, or changes the node and leaves in `told` what people are to be told.
Where the text leaves something open, what xmppd does stands behind "open:".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from tests.support.pubsub_standing import FORBIDDEN, GONE, Standing
from tests.support.pubsub_values import (
    Event,
    Item,
    Refused,
    Subscription,
    account_of,
)

NOT_APPLICABLE = {
    *(("owner", rank) for rank in ("outcast", "member", "publisher", "publish-only")),
    ("publisher", "member"),
}
"""§4.1, the second table: "n/a". open: of publish-only, which is not in it."""


class Node(Standing):
    """The node, and what people do to it."""

    # ------------------------------------------------------------------ subscribers (§6)

    def subscribe(self, who: str, jid: str, subid: str, **options: object) -> str:
        """§6.1, §6.3.7; gives the state that the answer tells.

        open: who brings no options has one more subscription only where he has none.
        """
        if account_of(jid) != account_of(who):
            raise Refused("bad-request invalid-jid", *(() if self.exists else (GONE,)))
        self._there()
        account = account_of(who)
        reasons = {self.closed(account, "Subscribe")}
        if any(each.state == "pending" for each in self.of(account)):
            reasons.add("not-authorized pending-subscription")  # §6.1.3.7
        again = self.same(jid, "subscribed") > 0 and not options
        # §13.12: owners and publishers may, whatever else.
        closed = not self.settings.subscribe and self.rank(account) not in ("owner", "publisher")
        if closed and not again:
            reasons.add("feature-not-implemented unsupported")  # §6.1.3.10
        if self.settings.tempsub and not self._is_there(jid) and not again:
            reasons.add("not-authorized presence-subscription-required")  # §13.5
        if reasons - {""}:
            raise Refused(*reasons - {""})
        if again:
            return "subscribed"
        pending = self.settings.access_model == "authorize" and self.rank(account) == "none"
        new = Subscription(jid, subid, "pending" if pending else "subscribed")
        self.subscriptions.append(new)
        _opt(new, **options, temporary=self.settings.tempsub)  # §13.5
        if pending:
            self._ask_owners(new)
        else:
            self._welcome(new)
        return new.state

    def _welcome(self, subscription: Subscription) -> None:
        self._tell_owners(subscription, "subscribed")
        self._send_last(subscription)

    def _is_there(self, jid: str) -> bool:
        return any(jid in (session, account_of(session)) for session in self.there)

    def _ask_owners(self, subscription: Subscription) -> None:
        """§8.6."""
        for owner in self.owners():
            self.told.letters.append((owner, ("asks", subscription.jid, ())))

    def unsubscribe(self, who: str, jid: str, subid: str = "") -> None:
        """§6.2."""
        self._drop(self._meant(who, jid, subid), told=False)

    def options(self, who: str, jid: str, subid: str = "", **options: object) -> None:
        """§6.3.5."""
        found = self._meant(who, jid, subid)
        if found.temporary and not self._is_there(jid):
            raise Refused("not-authorized presence-subscription-required")  # §13.5
        _opt(found, **options)

    def _meant(self, who: str, jid: str, subid: str) -> Subscription:
        """The subscription that somebody speaks of (§6.2.3, §6.3.4)."""
        found = [each for each in self.subscriptions if each.jid == jid]
        if account_of(jid) != account_of(who):
            others = () if found else ("unexpected-request not-subscribed",)
            raise Refused(FORBIDDEN, *others, *(() if self.exists else (GONE,)))
        self._there()
        if not found:
            raise Refused("unexpected-request not-subscribed")
        if not subid and len(found) > 1:
            raise Refused("bad-request subid-required")
        if subid:
            found = [each for each in found if each.subid == subid]
        if not found:
            raise Refused("not-acceptable invalid-subid")
        return found[0]

    def _drop(self, subscription: Subscription, *, told: bool, owners: bool = True) -> None:
        self.subscriptions.remove(subscription)
        if owners and (told or subscription.state != "pending"):
            self._tell_owners(subscription, "none")
        if told:
            self._notice(subscription, "none")
        else:
            event = ("subscription", account_of(subscription.jid), "none", ())
            self.told.may.append((subscription.jid, event))

    def items_for(self, who: str) -> list[Event]:
        """What somebody gets who asks for all items (§6.5.2)."""
        self._there()
        reasons = {self.closed(account_of(who), "Retrieve")}
        own = [each for each in self.subscriptions if each.jid in (who, account_of(who))]
        if len([each for each in own if each.state == "subscribed"]) > 1:
            reasons.add("bad-request subid-required")  # §6.5.9.1
        if not self.settings.persist_items and not self.settings.deliver_payloads:
            reasons.add("feature-not-implemented unsupported")  # §6.5.9.4
        if reasons - {""}:
            raise Refused(*reasons - {""})
        found = self.items
        if not self.settings.persist_items and self.last is not None:
            found = [self.last]  # §6.5.5
        return [(each.id, each.text, self._said(each)) for each in found]

    # ------------------------------------------------------------------ publishers (§7)

    def may_publish(self, account: str) -> bool:
        """§4.1, and the publish model (§17.4.4)."""
        if self.rank(account) == "outcast":
            return False
        if self.may(account, "Publish") or self.settings.publish_model == "open":
            return True
        states = [each.state for each in self.of(account)]
        return self.settings.publish_model == "subscribers" and "subscribed" in states

    def publish(self, who: str, item: Item | None) -> None:
        """Publish an item, or nothing but that something has happened (§7.1)."""
        self._there()
        reasons = {*(() if self.may_publish(account_of(who)) else (FORBIDDEN,)), *self._unfit(item)}
        if reasons:
            raise Refused(*reasons)
        if item is None:
            self._tell("items", ())  # §4.3
            return
        if self.settings.purge_offline:
            seen = self._is_there(item.publisher)
            item = replace(item, fleeting="seen" if seen else "unseen")
        self.last = item
        dropped: list[str] = []
        if self.settings.persist_items:
            self.items = [each for each in self.items if each.id != item.id] + [item]
            dropped = self._trim()
        self._tell("items", (self.event_item(item),))
        self._let_go(dropped)

    def _unfit(self, item: Item | None) -> Iterator[str]:
        """§7.1.3: what speaks against an item, by the node's event type (§4.3)."""
        settings = self.settings
        if not settings.persist_items and not settings.deliver_payloads:
            if item is not None:
                yield "bad-request item-forbidden"
            return
        if item is None:
            yield "bad-request item-required"
        elif item.text is None and settings.deliver_payloads:
            yield "bad-request payload-required"
        elif settings.persist_items and settings.publish_node_full == "reject":
            others = [each for each in self.items if each.id != item.id]
            if len(others) >= settings.max_items:
                yield "conflict node-full"  # §7.1.3.4

    def _trim(self) -> list[str]:
        """§7.1.2.5, first in, first out; the ids of what goes."""
        over = len(self.items) - self.settings.max_items
        gone, self.items = self.items[: max(over, 0)], self.items[max(over, 0) :]
        return [each.id for each in gone]

    def _let_go(self, ids: list[str]) -> None:
        """§7.1.2.5: subscribers may be told of what goes."""
        if ids and self.settings.publish_node_full == "retract-oldest":
            self._retracted(ids)

    def _retracted(self, ids: Iterable[str]) -> None:
        if self.settings.notify_retract:
            self._tell("retract", tuple(ids))

    def retract(self, who: str, id_: str, notify: bool) -> None:
        """§7.2."""
        self._there()
        account = account_of(who)
        reasons = set()
        if not self.settings.persist_items:
            reasons.add("feature-not-implemented unsupported")  # §7.2.3.5
        found = [each for each in self.items if each.id == id_]
        own = bool(found) and found[0].publisher == account
        if not found:
            reasons.add(GONE)  # §7.2.3.2
        any_ = self.may(account, "Delete Item") and self.rank(account) != "publish-only"
        # open: who may publish may delete what he has published.
        if not any_ and not (own and self.may_publish(account)):
            reasons.add(FORBIDDEN)
        if reasons:
            raise Refused(*reasons)
        self.items.remove(found[0])
        if self.last is not None and self.last.id == id_:
            self.last = None
        if self.settings.persist_items and self.last is None and self.items:
            self.last = self.items[-1]
        if notify:
            self._tell("retract", (id_,))  # §7.2.2.1
        else:
            self._retracted((id_,))

    # ------------------------------------------------------------------ owners (§8)

    def create(self, who: str, **settings: object) -> None:
        """§8.1."""
        if self.exists:
            raise Refused("conflict")
        self.exists = True
        self.settings = replace(self.defaults, **settings)  # type: ignore[arg-type]
        self.creator = account_of(who)
        self.affiliations = {self.creator: "owner"}

    def configure(self, who: str, **changes: object) -> None:
        """§8.2."""
        self._owner(who)
        before = self.settings
        self.settings = replace(before, **changes)  # type: ignore[arg-type]
        if self.settings.purge_offline != before.purge_offline:
            self._marked(self._now_fleeting)
        if not self.settings.persist_items:
            self.items = []  # open: what it has kept it keeps no more
        elif not before.persist_items:
            self.items = [self.last] if self.last else []  # open: it keeps what it has
        gone = self._trim()
        self._close()  # open: before others are told
        # open: where nobody has to be approved of from now on, nobody waits.
        model = self.settings.access_model
        for each in self.subscriptions if model != before.access_model else ():
            approved = model != "authorize" or self.rank(account_of(each.jid)) != "none"
            if each.state == "pending" and approved:
                self._set(each, "subscribed")
        self._let_go(gone)  # open: who has waited is told as well
        if self.settings.notify_config and self.settings != before:
            self._tell("configuration", self.settings.deliver_payloads, subids=False)

    def _close(self) -> None:
        """Who may not be subscribed any more is not (§15.3)."""
        for each in list(self.subscriptions):
            if self.closed(account_of(each.jid), "Subscribe"):
                self._drop(each, told=True)

    def delete(self, who: str) -> None:
        """§8.4: those are told as well whose subscription is pending."""
        self._owner(who)
        if self.settings.notify_delete:
            self._tell("delete", subids=False, states=("subscribed", "pending"))
        self._nothing()

    def purge(self, who: str) -> None:
        """§8.5: of all items, however many, everybody is told once."""
        self._there()
        reasons = set()
        if not self.may(account_of(who), "Purge"):
            reasons.add(FORBIDDEN)
        if not self.settings.persist_items:
            reasons.add("feature-not-implemented unsupported")
        if reasons:
            raise Refused(*reasons)
        self.items, self.last = [], None
        if self.settings.notify_retract:
            self._tell("purge", subids=False)

    def affiliate(self, who: str, account: str, rank: str) -> None:
        """§8.9.2."""
        self._owner(who)
        if self.owners() == [account] and rank != "owner":
            raise Refused("not-acceptable")  # §8.9.2.4
        old = self.rank(account)
        if (old, rank) in NOT_APPLICABLE:
            raise Refused("not-acceptable")  # §4.1, the second table
        if rank == old:
            return
        self.affiliations[account] = rank
        self.told.may.append((account, ("affiliation", account, rank, ())))  # §8.9.4
        for each in self.of(account):
            # §8.7.4 (note): owners and publishers need nobody's approval; open: nor do members.
            if each.state == "pending" and self.may(account, "Subscribe") and rank != "none":
                self._set(each, "subscribed")
        self._close()

    def _set(self, subscription: Subscription, state: str) -> None:
        subscription.state = state
        self._notice(subscription, state)
        if state == "subscribed":
            self._welcome(subscription)

    def approve(self, who: str, jid: str, allow: bool) -> None:
        """§8.6: a form that an owner submits. open: what it says is answered by an error message
        where it is nobody's to say, or nobody has asked."""
        self._owner(who)
        found = [each for each in self.subscriptions if each.jid == jid]
        if not found:
            raise Refused("unexpected-request not-subscribed")
        for each in found:
            if each.state == "pending":
                self._set(each, "subscribed") if allow else self._drop(
                    each, told=True, owners=False
                )

    def resubscribe(self, who: str, jid: str, state: str, subid: str) -> None:
        """§8.8.2: an owner changes a subscription, or ends it ("none")."""
        self._owner(who)
        found = [each for each in self.subscriptions if each.jid == jid and each.subid == subid]
        if not found:
            raise Refused("not-acceptable")
        [subscription] = found
        if state == "none":
            self._drop(subscription, told=True, owners=False)
        elif state != subscription.state:
            self._set(subscription, state)

    # ------------------------------------------------------------------ the world around it

    def show(self, _: str, who: str, show: str) -> None:
        """A session is there, and shows itself so, or it leaves ("unavailable")."""
        if show == "unavailable":
            self._leave(who)
            return
        comes, first = who not in self.there, not self._is_there(account_of(who))
        self.there[who] = show
        self._marked(lambda each: "seen" if each.fleeting and self._here(each) else each.fleeting)
        if comes and self._sends_last("on_sub_and_presence"):
            self._arrive(who, first=first)

    def _leave(self, who: str) -> None:
        self.there.pop(who, None)
        self.sharing.discard(who)
        for each in list(self.of(account_of(who))):
            if each.temporary and not self._is_there(each.jid):
                self._drop(each, told=True)  # §13.5
        self._purge_offline()

    def _purge_offline(self) -> None:
        """§17.4.4; open: who was not there has his stay, and others are told as of retractions."""

        def goes(item: Item) -> bool:
            return item.fleeting == "seen" and not self._here(item)

        gone = [each.id for each in self.items if goes(each)]
        self.items = [each for each in self.items if not goes(each)]
        if self.last is not None and goes(self.last):
            gone = gone or [self.last.id]
            self.last = self.items[-1] if self.items else None
        if gone:
            self._retracted(gone)

    def _here(self, item: Item) -> bool:
        return self._is_there(item.publisher)

    def _now_fleeting(self, item: Item) -> str:
        """open: of what was there before, what who has made it has published, and owns it still."""
        maker = item.publisher == self.creator and self.rank(item.publisher) == "owner"
        if not self.settings.purge_offline or not maker:
            return ""
        return "seen" if self._here(item) else "unseen"

    def _marked(self, mark: Callable[[Item], str]) -> None:
        self.items = [replace(each, fleeting=mark(each)) for each in self.items]
        if self.last is not None:
            self.last = replace(self.last, fleeting=mark(self.last))

    def _arrive(self, who: str, *, first: bool) -> None:
        """Who is subscribed, and comes, is sent the last item (§6.1.7, §17.4.4)."""
        found: dict[str, list[str]] = {}
        for each in self.of(account_of(who)):
            if each.state == "subscribed" and each.deliver:
                several = self.same(each.jid, "subscribed") > 1
                for jid in self.addresses(each):
                    for to in self._where(jid, who, first=first):
                        found.setdefault(to, []).extend([each.subid] if several else [])
        for jid, ids in found.items():
            self._tell_last(jid, ids)

    def _where(self, jid: str, who: str, *, first: bool) -> list[str]:
        """open: at a bare JID for the first session, and so once for all of them."""
        return [jid] if jid == who or (first and "/" not in jid) else []

    def share(self, _: str, who: str) -> None:
        """A session that is there shows itself to juliet, who does not see it anyway."""
        if who in self.there and not self.contacts.sees("juliet", account_of(who)):
            self.sharing.add(who)

    def withhold(self, _: str, who: str) -> None:
        """It does so no more."""
        self.sharing.discard(who)

    def meet(self, _: str, owner: str, contact: str) -> None:
        """Somebody lets a contact see his presence."""
        self.contacts.seeing.add((owner, contact))

    def part(self, _: str, owner: str, contact: str) -> None:
        """He does so no more (§13.14, §15.3)."""
        self.contacts.seeing.discard((owner, contact))
        if contact == "juliet":  # she is told that he has gone (RFC 6121 §3.2.2)
            self.sharing = {each for each in self.sharing if account_of(each) != owner}
        self._close()

    def group(self, _: str, owner: str, contact: str, groups: tuple[str, ...]) -> None:
        """He has a contact in other groups of his roster."""
        self.contacts.groups[owner, contact] = frozenset(groups)
        self._close()

    def again(self, _: str) -> None:
        """Another process takes over; open: what was in the memory of the one is lost (§13.10)."""
        self.last = self.items[-1] if self.items else None
        self._hear_again()

    def _hear_again(self) -> None:
        """open: it has forgotten who has come before, and learns one by one who is there."""
        if self._sends_last("on_sub_and_presence") and self.last is not None:
            some = (each for each in self.subscriptions if each.state == "subscribed")
            jids = {each.jid for each in some if each.deliver}
            heard = {session for jid in jids for session in self.reached(jid)}
            heard |= set(self.audience("subscribed"))
            self.told.again = dict.fromkeys(heard, (self.event_item(self.last),))


def _opt(subscription: Subscription, **options: object) -> None:
    for name, value in options.items():
        setattr(subscription, name, value)
