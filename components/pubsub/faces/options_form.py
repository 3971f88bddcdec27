"""The form of a subscription's options (XEP-0060 §17.4.2): how it is shown, and read."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from components.common import datetimes
from components.common.build import Tag
from components.common.forms import submission
from components.common.forms.field import Field, Filled
from components.common.forms.fields import boolean, list_multi, list_single, text_single
from components.common.forms.form import Form
from components.pubsub.faults import refusal
from components.pubsub.model.node import Node
from components.pubsub.model.options import Options
from components.pubsub.names import SUBSCRIBE_OPTIONS
from xmppd.errors import StanzaError

PRESENCE = "presence"
"""What `pubsub#expire` says of a subscription that ends as its subscriber goes offline (§13.5)."""

DELIVER = boolean("pubsub#deliver", "Send me notifications")
SHOW_VALUES = list_multi(
    "pubsub#show-values",
    "Send them while I am",
    {
        "chat": "free to chat",
        "online": "available",
        "away": "away",
        "xa": "away for longer",
        "dnd": "not to be disturbed",
    },
)
EXPIRE = text_single(
    "pubsub#expire",
    "Until when",
    desc='A moment such as 2027-02-28T11:59:59Z; "presence" for as long as you are online;'
    " nothing for ever.",
)
TYPE = list_single(
    "pubsub#subscription_type",
    "Tell me of",
    {"items": "items", "nodes": "nodes", "all": "items and nodes"},
)
DEPTH = text_single(
    "pubsub#subscription_depth",
    "How deep",
    most=4,
    desc='How many steps below the collection what I am told of may be; "all" for whatever it is.',
)
DIGEST = boolean("pubsub#digest")
INCLUDE_BODY = boolean("pubsub#include_body", "Send me a text besides, for people to read")

LEAF = Form(SUBSCRIBE_OPTIONS, (DELIVER, SHOW_VALUES, EXPIRE))
READABLE = Form(SUBSCRIBE_OPTIONS, (*LEAF.fields, INCLUDE_BODY))
COLLECTION = Form(SUBSCRIBE_OPTIONS, (DELIVER, SHOW_VALUES, EXPIRE, TYPE, DEPTH))
_READ = Form(SUBSCRIBE_OPTIONS, (*COLLECTION.fields, DIGEST, INCLUDE_BODY))

_KNOWN = {each.var for each in _READ.fields if isinstance(each, Field)}
_KNOWN |= {"pubsub#digest_frequency"}  # what it says is of no matter as long as there are none


def shown(options: Options, node: Node | None = None, *, bodies: bool = False) -> Tag:
    """The form, to be filled in. `bodies` says whether the node's items can have them (§13.8)."""
    return _form(node, bodies=bodies).form(_filled(options, node, bodies=bodies))


def told(options: Options, node: Node | None = None, *, bodies: bool = False) -> Tag:
    """How they are."""
    return _form(node, bodies=bodies).result(_filled(options, node, bodies=bodies))


def chosen(x: Element | None, node: Node, before: Options, now: float, *, bodies: bool) -> Options:
    """The options as somebody wants them; what he does not say stays as it was `before`.

    Raises StanzaError `invalid-options` (§6.3.6.2).
    """
    try:
        unknown = [var for var in submission.texts(x) if _is_strange(var)]
        values = _READ.submitted(x)
    except StanzaError as error:
        raise _invalid(error.text) from error
    if unknown:
        raise _invalid(f"{unknown[0][:100]} is unknown")
    if values.get(DIGEST, False):
        raise _invalid("there are no digests")
    if values.get(INCLUDE_BODY, False) and not bodies:
        raise _invalid("the node's notifications have no bodies")
    changes: dict[str, object] = {}
    if INCLUDE_BODY in values:
        changes["include_body"] = values[INCLUDE_BODY]
    if DELIVER in values:
        changes["deliver"] = values[DELIVER]
    if SHOW_VALUES in values:
        shows = values[SHOW_VALUES]
        changes["show_values"] = frozenset(shows)
    if TYPE in values:
        changes["subscription_type"] = values[TYPE]
    if DEPTH in values:
        changes["subscription_depth"] = _depth(values[DEPTH])
    if EXPIRE in values:
        changes |= _ending(values[EXPIRE], now)
    if node.leaf and changes.get("subscription_type", "items") != "items":
        raise _invalid("the node is no collection")
    return before.change(**changes)


def _is_strange(var: str) -> bool:
    """Whether somebody would be misled if a field was ignored."""
    return var.startswith("pubsub#") and var not in _KNOWN


def _ending(text: str, now: float) -> dict[str, object]:
    if text == PRESENCE:
        return {"expire": 0.0, "temporary": True}
    if not text:
        return {"expire": 0.0, "temporary": False}
    try:
        at = datetimes.read(text)
    except ValueError as error:
        raise _invalid(str(error)) from error
    if at <= now:
        raise _invalid("that is over")
    return {"expire": at, "temporary": False}


def _depth(text: str) -> str:
    """(XEP-0248 §6.1)."""
    if text == "all":
        return text
    if not (text.isascii() and text.isdecimal()):
        raise _invalid('a number or "all" is wanted')
    return str(int(text))


def _form(node: Node | None, *, bodies: bool) -> Form:
    if bodies:
        return READABLE
    return LEAF if node is None or node.leaf else COLLECTION


def _filled(options: Options, node: Node | None, *, bodies: bool) -> list[Filled[Any]]:
    ends = datetimes.written(options.expire) if options.expire else ""
    filled: list[Filled[Any]] = [
        DELIVER.of(options.deliver),
        SHOW_VALUES.of(tuple(sorted(options.show_values))),
        EXPIRE.of(PRESENCE if options.temporary else ends),
    ]
    if bodies:
        filled.append(INCLUDE_BODY.of(options.include_body))
    if node is not None and not node.leaf:
        filled += [TYPE.of(options.subscription_type), DEPTH.of(options.subscription_depth)]
    return filled


def _invalid(text: str) -> StanzaError:
    return refusal("bad-request", "invalid-options", text, reason="pubsub.invalid-options")
