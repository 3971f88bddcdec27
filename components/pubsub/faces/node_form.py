"""The form pubsub#node_config shown and read, and that of publish-options, which has its fields.

    forms = NodeForm(policy)
    changes = forms.submitted(x)
    settings = settings.change(**changes)

What a form leaves out stays as it is (XEP-0060 §8.2.4). "children" is none of the `Settings`: which
nodes are in a collection the nodes themselves say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from components.common.build import Tag
from components.common.forms import submission
from components.common.forms.field import Field, Filled
from components.common.forms.form import Form
from components.common.forms.submission import FORM_TYPE
from components.pubsub.faces.node_fields import (
    ACCESS_MODEL,
    GROUPS,
    collection_fields,
    groups_field,
    leaf_fields,
)
from components.pubsub.faults import refusal
from components.pubsub.life.configuring import Changes
from components.pubsub.life.linking import CHILDREN
from components.pubsub.model import parcels
from components.pubsub.model.policy import Policy
from components.pubsub.model.settings import SPARED, Settings
from components.pubsub.names import NODE_CONFIG, PUBLISH_OPTIONS
from xmppd.errors import StanzaError

CHILDREN_OCTETS = 100_000
"""What the names of nodes in a collection may take together, where the form shows them."""
GROUPS_OCTETS = 20_000
"""What the groups of a roster may that are offered; others will do as well."""

_SHOWN = 150
"""Characters of a name that an outsider has made up, in what is said about it."""


class NodeForm:
    """The form, within what the service's rules allow."""

    def __init__(self, policy: Policy) -> None:
        leaf, collection = leaf_fields(policy), collection_fields(policy)
        self._by_type: dict[str, Mapping[str, Field[Any]]] = {
            "leaf": leaf,
            "collection": collection,
        }
        self._config = _Reader(NODE_CONFIG, {**leaf, **collection})
        self._options = _Reader(PUBLISH_OPTIONS, leaf)

    # ------------------------------------------------------------------ shown

    def form(
        self, settings: Settings, children: Sequence[str] = (), groups: Iterable[str] = ()
    ) -> Tag:
        """The form to be filled in (§8.2.2, §8.3.3), with the fields that a node of its type has.

        `children` are the nodes in a collection, `groups` those of a roster, to choose from.
        """
        fields = dict(self._by_type[settings.node_type])
        if sum(map(parcels.written, children)) > CHILDREN_OCTETS:
            fields.pop(CHILDREN, None)
        offered = parcels.short([*groups], GROUPS_OCTETS)
        known = dict.fromkeys([*settings.roster_groups_allowed, *offered])
        fields[GROUPS] = groups_field(known)
        form = Form(NODE_CONFIG, tuple(fields.values()), "How the node is set up")
        return form.form(_filled(fields, settings, children))

    def result(self, settings: Settings) -> Tag:
        """The configuration, as subscribers are told of it (§8.2.5.3), but for what is `SPARED`.

        Nor which nodes are in a collection: not all who are told may know of all of them.
        """
        fields = self._by_type[settings.node_type]
        told = {name: fields[name] for name in fields if name not in SPARED and name != CHILDREN}
        return Form(NODE_CONFIG, ()).result(_filled(told, settings, ()))

    # ------------------------------------------------------------------ read

    def submitted(self, x: Element | None) -> Changes:
        """What a submitted configuration says; fields that nobody knows are left out.

        Raises StanzaError: `bad-request` for what is no submitted form of this kind,
        `not-acceptable` for values that there can't be (§8.2.5.2), which for an access model is
        `unsupported-access-model` (§8.1.2).
        """
        return self._config.read(x)

    def options(self, x: Element | None) -> Changes:
        """The preconditions of publish-options (§7.1.5): settings as they have to be.

        Raises StanzaError as `submitted` does; a field that nobody knows is `not-acceptable`, and
        a form that does not say of which kind it is, `bad-request`.
        """
        said = submission.texts(x)
        if FORM_TYPE not in said:
            raise submission.malformed(f"the FORM_TYPE {PUBLISH_OPTIONS} is wanted")
        for var in said:
            if var not in self._options.known:
                why = f"{var[:_SHOWN]}: there is no such option"
                raise StanzaError("not-acceptable", why, reason="form.value")
        return self._options.read(x)


class _Reader:
    """Reads forms of one kind."""

    def __init__(self, form_type: str, fields: Mapping[str, Field[Any]]) -> None:
        self._fields = fields
        self._form = Form(form_type, tuple(fields.values()))
        self.known = {FORM_TYPE, *(field.var for field in fields.values())}

    def read(self, x: Element | None) -> Changes:
        access = self._fields[ACCESS_MODEL]
        wanted = submission.texts(x).get(access.var, ())
        if any(model not in access.options for model in wanted):
            raise refusal(
                "not-acceptable", "unsupported-access-model", reason="pubsub.access-model"
            )
        values = self._form.submitted(x)
        return {name: values[field] for name, field in self._fields.items() if field in values}


def _filled(
    fields: Mapping[str, Field[Any]], settings: Settings, children: Sequence[str]
) -> Iterator[Filled[Any]]:
    for name, field in fields.items():
        yield field.of(tuple(children) if name == CHILDREN else getattr(settings, name))
