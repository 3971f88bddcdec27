"""Requests of people who have not read XEP-0060: right names with wrong contents, and all between.

Each is a `<pubsub/>` that is well-formed; nothing else is promised.
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from hypothesis import strategies as st

from tests.support.pubsub import NS
from tests.support.server import DOMAIN
from xmppd import ns

KNOWN = (
    *(("set", "", each) for each in ("create", "subscribe", "unsubscribe", "publish", "retract")),
    *(("get", "", each) for each in ("items", "subscriptions", "affiliations", "options")),
    *(("set", "", each) for each in ("options", "publish", "subscribe")),
    *(("get", "#owner", each) for each in ("configure", "affiliations", "subscriptions")),
    *(("set", "#owner", each) for each in ("configure", "affiliations", "subscriptions")),
    *(("set", "#owner", each) for each in ("delete", "purge", "collection", "configure")),
    *(("get", each, "default") for each in ("", "#owner")),
)
"""Requests that there are: type, end of the namespace, and first element."""
INSIDE = {
    "publish": ("item",),
    "retract": ("item",),
    "items": ("item",),
    "subscriptions": ("subscription",),
    "affiliations": ("affiliation",),
    "delete": ("redirect",),
    "collection": ("associate", "disassociate"),
}
"""What belongs into some of them."""
BESIDE = {
    "create": ("configure",),
    "subscribe": ("options",),
    "publish": ("publish-options",),
}
"""What belongs behind some of them."""
NAMES = tuple({each[2] for each in KNOWN} | {"item", "redirect", "nonsense"})
FIELDS = (
    *("access_model", "publish_model", "max_items", "item_expire", "max_payload_size", "node_type"),
    *("persist_items", "deliver_payloads", "send_last_published_item", "roster_groups_allowed"),
    *("collection", "children", "children_max", "title", "type", "notification_type", "itemreply"),
    *("publish_node_full", "presence_based_delivery", "deliver", "expire", "show-values", "digest"),
    *("include_body", "subscription_type", "subscription_depth", "allow", "node", "subscriber_jid"),
    *("contact", "language", "tempsub", "purge_offline", "children_association_policy", "nonsense"),
)
KINDS = ("node_config", "subscribe_options", "publish-options", "subscribe_authorization", "")

texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="￾￿"),
    max_size=20,
)
values = st.one_of(
    st.sampled_from(
        (
            *(
                "",
                "0",
                "1",
                "2",
                "true",
                "false",
                "max",
                "-1",
                "99999999999999999999",
                "1e3",
                "None",
            ),
            *("open", "whitelist", "authorize", "presence", "roster", "publishers", "subscribers"),
            *("never", "on_sub", "leaf", "collection", "owner", "publisher", "member", "outcast"),
            *(
                "none",
                "subscribed",
                "pending",
                "unconfigured",
                "items",
                "all",
                "headline",
                "reject",
            ),
            *("2006-12-08T01:58:35Z", "presence", "online", " ", "play", "hall"),
        )
    ),
    texts,
)
jids = st.sampled_from(
    (
        *(f"romeo@{DOMAIN}", f"romeo@{DOMAIN}/street", f"juliet@{DOMAIN}", f"nurse@{DOMAIN}"),
        *(
            "",
            "@",
            "a@b@c",
            DOMAIN,
            f"pubsub.{DOMAIN}",
            "nobody@mantua.lit/x",
            "\u2603@x",
            "x" * 2_000,
        ),
    )
)
nodes = st.one_of(st.sampled_from(["play", "play", "hall", "unheard-of", "", "x" * 3_000]), texts)
ranks = {
    "affiliation": st.sampled_from(
        ["owner", "publisher", "publish-only", "member", "none", "outcast"]
    ),
    "subscription": st.sampled_from(["none", "pending", "unconfigured", "subscribed"]),
}
attributes = st.fixed_dictionaries(
    {},
    optional={
        "node": nodes,
        "jid": jids,
        "subid": values,
        "id": values,
        "max_items": values,
        "notify": values,
        "affiliation": values,
        "subscription": values,
        "type": values,
        "uri": texts,
    },
)
payloads = st.sampled_from(
    (
        *("", "", "<act xmlns='urn:example:play'>Ay me!</act>", "plain words"),
        *("<a xmlns='x'/><b xmlns='x'/>", f"<message xmlns='{ns.CLIENT}' to='x@y'/>"),
        f"<item xmlns='{NS}' id='inner'/>",
    )
)


def _element(name: str, attrs: dict[str, str], inner: str) -> str:
    written = "".join(f" {key}={quoteattr(value)}" for key, value in attrs.items())
    return f"<{name}{written}>{inner}</{name}>"


def _field(var: str, type_: str, said: list[str]) -> str:
    inner = "".join(f"<value>{escape(each)}</value>" for each in said)
    named = f" var='pubsub#{var}'" if var else ""
    return f"<field{named}{type_}>{inner}</field>"


fields = st.builds(
    _field,
    st.sampled_from((*FIELDS, "")),
    st.sampled_from(["", " type='hidden'", " type='list-multi'", " type='nonsense'"]),
    st.lists(values, max_size=3),
)


def _form(type_: str, kind: str, inner: list[str]) -> str:
    head = f"<field var='FORM_TYPE'><value>{NS}#{kind}</value></field>" if kind else ""
    return f"<x xmlns='{ns.DATA_FORM}' type='{type_}'>{head}{''.join(inner)}</x>"


forms = st.builds(
    _form,
    st.sampled_from(["submit", "submit", "submit", "cancel", "form", "nonsense"]),
    st.sampled_from(KINDS),
    st.lists(fields, max_size=4),
)
"""Forms of all kinds."""
sets = st.builds(
    lambda name, said: (
        f"<set xmlns='http://jabber.org/protocol/rsm'><{name}>{escape(said)}</{name}></set>"
    ),
    st.sampled_from(["max", "after", "before", "index", "nonsense"]),
    values,
)
anything = st.builds(
    _element, st.sampled_from(NAMES), attributes, st.one_of(payloads, forms, st.just(""))
)


@st.composite
def actions(draw: st.DrawFn, name: str) -> str:
    """An element that means something, and what is in it and behind it."""
    proper = [_filled(each) for each in INSIDE.get(name, ())]
    inside = st.lists(st.one_of(*proper * 4, anything, forms), max_size=3)
    attrs = {"node": "play", "jid": draw(jids)} if draw(st.integers(0, 3)) else {}
    attrs |= draw(attributes) if draw(st.booleans()) else {}
    written = _element(name, attrs, "".join(draw(inside)))
    if name in ("configure", "options"):
        written = _element(name, attrs, draw(forms))
    behind = [
        st.builds(_element, st.just(each), attributes, forms) for each in BESIDE.get(name, ())
    ]
    return written + draw(st.one_of(st.just(""), *behind * 2, sets, anything))


def _filled(name: str) -> st.SearchStrategy[str]:
    some = st.fixed_dictionaries({}, optional={"id": values, "jid": jids, **ranks})
    return st.builds(_element, st.just(name), st.one_of(some, some, attributes), payloads)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str]:
    """What somebody asks for: the type of the IQ, and the payload."""
    type_, space, name = draw(st.sampled_from(KNOWN))
    if draw(st.integers(0, 9)) == 0:
        type_, space = draw(st.sampled_from(["get", "set"])), draw(st.sampled_from(["", "#owner"]))
    return type_, f"<pubsub xmlns='{NS}{space}'>{draw(actions(name))}</pubsub>"
