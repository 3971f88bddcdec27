"""Publishing options (XEP-0060 §7.1.5): what a publisher wants a node to be like.

Each field is one of the node's configuration. A node that is there has to be so; one that is made
by publishing is set up so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from components.common.forms import submission
from components.pubsub.faces.node_form import NodeForm
from components.pubsub.faults import refusal
from components.pubsub.life.configuring import Changes
from components.pubsub.model import limits
from components.pubsub.model.policy import Policy
from components.pubsub.model.settings import SPARED, Settings
from components.pubsub.requests import Request


class PublishOptions:
    """What is wanted, within the service's rules."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._forms = NodeForm(policy)

    def wanted(self, request: Request) -> Changes:
        """What a request to publish wants the node to be like; empty where it says nothing.

        Raises StanzaError as `NodeForm.options` does.
        """
        options = request.other("publish-options") if request.others else None
        return {} if options is None else self._forms.options(options.find(submission.X))

    def check(self, wanted: Changes, settings: Settings, *, owner: bool) -> None:
        """Raise StanzaError `conflict` where a node is not as it is wanted to be.

        Nor may who is no owner want what is `SPARED`: he would find it out by guessing.
        """
        other = settings.change(**wanted)
        for name in wanted:
            compared = _COMPARED.get(name)
            if compared is None:
                same = getattr(other, name) == getattr(settings, name)
            else:
                same = compared(other, self._policy) == compared(settings, self._policy)
            if not same or (name in SPARED and not owner):
                raise refusal(
                    "conflict",
                    "precondition-not-met",
                    f"pubsub#{name} is not as is wanted",
                    reason="pubsub.precondition",
                )


_COMPARED: Mapping[str, Callable[[Settings, Policy], object]] = {
    # As many as may be is as much as the number that may be.
    "max_items": limits.items,
    "item_expire": limits.seconds,
    "max_payload_size": limits.octets,
    "roster_groups_allowed": lambda settings, _: frozenset(settings.roster_groups_allowed),
    "contact": lambda settings, _: frozenset(settings.contact),
    "collection": lambda settings, _: frozenset(settings.collection),
}
