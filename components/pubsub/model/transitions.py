"""How affiliations may change, one after the other and all of a request together (XEP-0060 §4.1).

Rule 1: an owner does not become less step by step: he resigns, and is given what he is to be then.
Rule 2: a node is never without an owner (§8.9.2.4).
"""

from __future__ import annotations

from collections.abc import Mapping

from components.pubsub.model.node import Node
from components.pubsub.model.ranks import Affiliation
from xmppd.jid import JID

NOT_APPLICABLE = frozenset(
    {
        (Affiliation.OWNER, Affiliation.OUTCAST),
        (Affiliation.OWNER, Affiliation.MEMBER),
        (Affiliation.OWNER, Affiliation.PUBLISHER),
        (Affiliation.OWNER, Affiliation.PUBLISH_ONLY),
        (Affiliation.PUBLISHER, Affiliation.MEMBER),
    }
)
"""The cells of the second table of §4.1 that say "n/a"; "publish-only" is not in it, and may become
all that is not an owner's alone."""


def refused(node: Node, changes: Mapping[JID, Affiliation]) -> set[JID]:
    """Those of these changes, by bare JID, that may not be made."""
    bad = {
        jid
        for jid, rank in changes.items()
        if (node.affiliation(jid), rank) in NOT_APPLICABLE
        or (jid == node.address.service and rank is not Affiliation.OWNER)
    }
    made = {jid: rank for jid, rank in changes.items() if jid not in bad}
    left = {jid for jid in node.owners if made.get(jid) in (None, Affiliation.OWNER)}
    if left or Affiliation.OWNER in made.values():
        return bad
    return bad | {jid for jid in node.owners if jid in made}
