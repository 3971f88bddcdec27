"""Who may subscribe to a node and read its items: affiliations, then the access model (§4.5).

What asks for a roster takes time; all else is known at once. What holds when the roster is there
decides: the node may be set up otherwise since, or somebody be cast out. Every refusal is the one
of §6.1.3 and §6.5.9 for its model.
"""

from __future__ import annotations

from components.pubsub.faults import forbidden, refusal
from components.pubsub.life.rosters import NOBODY, Contact, Rosters
from components.pubsub.model.node import Node
from components.pubsub.model.policy import Policy
from components.pubsub.model.privileges import Privilege, may
from components.pubsub.model.ranks import Affiliation, State
from components.pubsub.model.settings import Settings
from xmppd.errors import StanzaError
from xmppd.jid import JID

SHUT_OUT = (Affiliation.OUTCAST, Affiliation.PUBLISH_ONLY)
"""Those who neither subscribe nor read, whatever the access model (§4.1)."""


class Access:
    """Decides who gets in."""

    def __init__(self, policy: Policy, rosters: Rosters) -> None:
        self._policy = policy
        self._rosters = rosters

    def affiliation(self, node: Node, jid: JID) -> Affiliation:
        """What somebody is to a node; who runs the service owns all at its domain."""
        if not node.personal and self._policy.is_admin(jid):
            return Affiliation.OWNER
        return node.affiliation(jid)

    def may(self, node: Node, jid: JID, privilege: Privilege) -> bool:
        """Whether somebody has a privilege by his affiliation, or by the publish model (§4.1)."""
        rank = self.affiliation(node, jid)
        if may(rank, privilege):
            return True
        if privilege is not Privilege.PUBLISH or rank is Affiliation.OUTCAST:
            return False
        model = node.settings.publish_model
        return model == "open" or (model == "subscribers" and subscribed(node, jid.bare))

    def approved(self, node: Node, jid: JID) -> bool:
        """Whether somebody who may subscribe needs nobody's approval for it (§6.1.4)."""
        if node.settings.access_model != "authorize":
            return True
        return may(self.affiliation(node, jid), Privilege.SUBSCRIBE)

    def may_associate(self, collection: Node, jid: JID) -> bool:
        """Whether somebody may have nodes of his come into a collection (XEP-0248 §7.2.1)."""
        rank = self.affiliation(collection, jid)
        if may(rank, Privilege.CONFIGURE):
            return True
        settings = collection.settings
        if settings.children_association_policy == "whitelist":
            return jid.bare in settings.children_association_whitelist
        return settings.children_association_policy == "all" and rank is not Affiliation.OUTCAST

    async def sees(self, node: Node, jid: JID) -> bool:
        """Whether somebody may know that a node is there, and what it is called (§5.2).

        Who asks for leave to subscribe has to know of it first.
        """
        rank = self.affiliation(node, jid)
        if rank in (Affiliation.NONE, Affiliation.OUTCAST):
            try:
                await self.check(node, jid, Privilege.SUBSCRIBE)
            except StanzaError:
                return False
        return True

    def at_once(self, node: Node, jid: JID, privilege: Privilege) -> bool | None:
        """Whether somebody may subscribe, or read, None where his contact has to be known.

        Raises StanzaError for who may not, with the reason.
        """
        rank = self.affiliation(node, jid)
        if may(rank, privilege):
            return True
        if rank in SHUT_OUT:
            raise forbidden()
        model = node.settings.access_model
        if model == "open":
            return True
        if model == "whitelist":
            raise refusal(
                "not-allowed", "closed-node", "it has a whitelist", reason="pubsub.closed-node"
            )
        if model == "authorize":
            if privilege is Privilege.SUBSCRIBE:
                return True  # an owner decides later
            if subscribed(node, jid.bare):
                return True
            raise refusal("not-authorized", "not-subscribed", reason="pubsub.not-subscribed")
        return None

    async def check(self, node: Node, jid: JID, privilege: Privilege) -> None:
        """Raise StanzaError where somebody may not subscribe, or read."""
        if self.at_once(node, jid, privilege) is None:
            known = await self._known(node, jid)
            if self.at_once(node, jid, privilege) is None and not admitted(node, known):
                raise _not_admitted(node)

    async def keeps(self, node: Node, jid: JID, rank: Affiliation) -> bool:
        """Whether somebody who is subscribed, or has asked to be, may stay so with a rank."""
        if may(rank, Privilege.SUBSCRIBE):
            return True
        model = node.settings.access_model
        if rank in SHUT_OUT or model == "whitelist":
            return False
        if model in ("open", "authorize"):
            return True
        return admitted(node, await self._known(node, jid))

    async def _known(self, node: Node, jid: JID) -> Contact:
        """What somebody is to the host of a node."""
        whose = host(node)
        return NOBODY if whose is None else await self.contact(whose, jid.bare)

    async def contact(self, account: JID, jid: JID) -> Contact:
        """What somebody is to an account, by bare JIDs; nobody, where no roster is to be had."""
        roster = await self._rosters.shown(account)
        return NOBODY if roster is None else roster.contact(jid)


def host(node: Node) -> JID | None:
    """Whose roster the models "presence" and "roster" ask: the account's, or the creator's.

    Of the owners at the domain no other's: nobody has to agree to be made one, and whoever made him
    one would learn whom he knows. Where the creator is an owner no more, nobody's.
    """
    if node.personal:
        return node.address.service
    return node.creator if node.affiliation(node.creator) is Affiliation.OWNER else None


def admitted(node: Node, contact: Contact) -> bool:
    """Whether a node's model is one that asks the host's roster, and lets a contact of his in."""
    return host(node) is not None and by_contact(node.settings, contact)


def by_contact(settings: Settings, contact: Contact) -> bool:
    """Whether the models "presence" and "roster" let a contact in (§4.5); others say nothing."""
    if settings.access_model == "roster":
        return not contact.groups.isdisjoint(settings.roster_groups_allowed)
    return settings.access_model == "presence" and contact.sees


def subscribed(node: Node, bare: JID) -> bool:
    """Whether an account is subscribed to a node, and approved of where that is needed."""
    return any(each.state is State.SUBSCRIBED for each in node.of_account(bare))


def _not_admitted(node: Node) -> StanzaError:
    if node.settings.access_model == "roster":
        return refusal("not-authorized", "not-in-roster-group", reason="pubsub.not-in-roster-group")
    specific = "presence-subscription-required"
    return refusal("not-authorized", specific, reason="pubsub.presence-subscription-required")


def admission(settings: Settings) -> tuple[str, tuple[str, ...]]:
    """What of a configuration lets people in."""
    model = settings.access_model
    return model, settings.roster_groups_allowed if model == "roster" else ()


def decides(node: Node, jid: JID) -> tuple[object, Affiliation]:
    """By what of a node it is decided whether somebody may read it.

    Whoever might, and is subscribed, may as long as it is the same: what else decides, his contact,
    ends his subscription.
    """
    return admission(node.settings), node.affiliation(jid)
