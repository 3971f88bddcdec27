"""The service and its faces, put together around a component and its store."""

from __future__ import annotations

from collections.abc import Callable

from components.common.about import About, introduce
from components.common.accounts import Accounts
from components.common.component import Component
from components.common.delegation import Delegation
from components.common.disco import Identity, Info
from components.common.instances import Instances
from components.common.privilege import Privilege
from components.vcard import search_iq, vcard4_iq, vcard_iq
from components.vcard.announcing import Announcing
from components.vcard.avatar_node import AvatarNode
from components.vcard.config import VCardTable
from components.vcard.names import AVATAR_METADATA, VCARD4_NODE, VCARD_TEMP
from components.vcard.pep import Pep
from components.vcard.service import Change, VCards
from components.vcard.store import SQLVCards
from components.vcard.vcard4_node import VCard4Node
from xmppd.jid import JID
from xmppd.storage.interfaces import Database

IDENTITY = Identity("component", "generic", "vCards")


def assemble(
    component: Component, database: Database, config: VCardTable, now: Callable[[], float]
) -> VCards:
    """Have a component serve the vCards in a database; `now` gives seconds UTC since 1970."""
    vcards = VCards(
        SQLVCards(database),
        now,
        config.limits,
        config.cached_octets,
        published=[AVATAR_METADATA, *([VCARD4_NODE] if config.vcard4_node else [])],
    )
    # Another process may have changed what this one is asked for from now on.
    instances = Instances(component)
    instances.on_change(lambda epoch: vcards.forget_cached())
    component.on_open(lambda resumed: None if resumed else vcards.forget_cached())
    searched = config.search != "off"
    disco = introduce(component, About(search_iq.DIRECTORY if searched else IDENTITY))
    announcing = Announcing(component, vcards.untold)
    pep = Pep(component, Privilege(component), disco)
    avatars = AvatarNode(component, instances, pep, vcards, announcing.changed)
    vcard4s = VCard4Node(component, instances, pep, vcards) if config.vcard4_node else None
    accounts = Accounts(component)
    accounts.on_removed(avatars.ended)
    if vcard4s is not None:
        accounts.on_removed(vcard4s.ended)
    accounts.on_removed(vcards.remove)

    def changed(account: JID, change: Change) -> None:
        announcing.changed(account, change)
        avatars.publish(account, change)
        if vcard4s is not None:
            vcard4s.publish(account, change)

    delegation = Delegation(component, disco)
    vcard_iq.serve(delegation, vcards, changed)
    vcard4_iq.serve(delegation, vcards, changed)
    delegation.namespace(
        VCARD_TEMP,
        features=[VCARD_TEMP],
        bare=lambda: Info(features=[VCARD_TEMP, *avatars.features()]),
    )
    search_iq.serve(component, disco, vcards, config)
    return vcards
