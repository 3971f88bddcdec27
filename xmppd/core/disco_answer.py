"""What others answer to disco#info: read, bounded, and refused where it is ill-formed.

XEP-0115 §5.4 says which answers a verification string can't be made of. Some more are refused
here: the string joins its parts by nothing but `<`, so that what one entity says of features can
be told by another as something else, under the same string (XEP-0115 §9.3). A client that
means well says nothing of the kind.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from typing import TypeVar
from xml.etree.ElementTree import Element

from xmppd import ns
from xmppd.core.disco import DiscoInfo, Identity
from xmppd.core.forms import Field, Form
from xmppd.wire.stanza import Stanza

MOST_OCTETS = 16_384
"""How long an answer may be. Clients with very many features send a third of it."""

MOST_FEATURES = 300
MOST_IDENTITIES = 32
"""How many names of languages a client may go by."""

_INFO = f"{{{ns.DISCO_INFO}}}"
_DATA = f"{{{ns.DATA_FORM}}}"
_LANG = f"{{{ns.XML}}}lang"
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*", re.ASCII)

T = TypeVar("T")


class IllFormedError(ValueError):
    """An answer that says nothing, for the reason that is its text."""


def read(answer: Stanza) -> DiscoInfo:
    """What a result of disco#info says; raises IllFormedError."""
    if len(answer.inner) > MOST_OCTETS:
        raise IllFormedError("too long")
    if answer.children != [f"{ns.DISCO_INFO} query"]:
        raise IllFormedError("no disco#info")
    query = answer.element[0]
    identities = tuple(_identity(element) for element in query.iterfind(f"{_INFO}identity"))
    features = [_feature(element) for element in query.iterfind(f"{_INFO}feature")]
    forms = [_form(element) for element in query.iterfind(f"{_DATA}x")]
    if len(identities) > MOST_IDENTITIES or len(features) > MOST_FEATURES:
        raise IllFormedError("too many identities or features")
    _once(identities, "identity")  # §5.4, rule 3.3
    _once(features, "feature")  # rule 3.4
    _once([form.form_type for form, _ in forms if form.form_type], "FORM_TYPE")  # rule 3.5
    counted = tuple(form for form, counts in forms if counts)
    info = DiscoInfo(identities, frozenset(features), counted)
    if _has_other_reading(info):
        raise IllFormedError("a form may be made of features")
    return info


def _identity(element: Element) -> Identity:
    """An identity; category and type are required (XEP-0030 §3.1), and none has a slash in it.

    A namespace such as http://jabber.org/protocol/caps would else pass for one.
    """
    get = element.get
    found = Identity(get("category", ""), get("type", ""), get("name", ""), get(_LANG, ""))
    for part in (found.category, found.type):
        if not part or "/" in part:
            raise IllFormedError("an identity without category or type")
    if found.lang and not _LANGUAGE.fullmatch(found.lang):
        raise IllFormedError("an identity in no language")
    return found


def _feature(element: Element) -> str:
    """A feature: interned, since the next version of the same client has nearly the same ones."""
    var = element.get("var", "")
    if not var:
        raise IllFormedError("a feature without a name")
    return sys.intern(var)


def _form(x: Element) -> tuple[Form, bool]:
    """A form, and whether it counts: not where its FORM_TYPE is missing or not hidden (3.6)."""
    fields = [
        Field(
            field.get("var", ""),
            tuple(value.text or "" for value in field.iterfind(f"{_DATA}value")),
            field.get("type", ""),
        )
        for field in x.iterfind(f"{_DATA}field")
    ]
    types = [field for field in fields if field.var == "FORM_TYPE"]
    named = {value for field in types for value in field.values}
    if len(named) > 1:  # rule 3.5
        raise IllFormedError("several FORM_TYPEs in a form")
    form_type = "".join(named)
    hidden = all(field.type == "hidden" for field in types)
    others = tuple(field for field in fields if field.var != "FORM_TYPE")
    return Form(form_type, others), bool(form_type) and hidden


def _once(things: Collection[T], what: str) -> None:
    if len(set(things)) != len(things):
        raise IllFormedError(f"the same {what} twice")


def _has_other_reading(info: DiscoInfo) -> bool:
    """Whether the first form may be features of the client whose string this is.

    Who leaves out the last features of another's answer has to say them elsewhere: the first of
    them as a FORM_TYPE, the next as that form's first field. Both are in the order of features
    then. Field names of forms in use come before their FORM_TYPE in that order, or other
    features after it.
    """
    if not info.forms:
        return False
    form = min(info.forms, key=lambda form: form.form_type)
    first = min((field.var for field in form.fields), default=None)
    last = max(info.features, default="")
    return last < form.form_type and (first is None or form.form_type < first)
