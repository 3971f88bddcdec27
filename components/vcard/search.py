"""The search for users as it is said on the wire (XEP-0055): the form, what is asked, the answer.

A client may use the four plain fields, or the data form, which has more of them (§3). It gets as
many users as fit one page, or the page that it asks for (XEP-0059).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from components.common import markup, paging
from components.common.paging import Found, Page
from components.vcard.criteria import Criterion, criterion
from components.vcard.directory import Row
from components.vcard.fields import FIELDS
from components.vcard.names import SEARCH
from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError

ROWS = 40
"""Users in one answer. With all that a listing may show of each, it fits in a stanza of 256 KiB."""

_INSTRUCTIONS = (
    "Fill in one or more fields. An asterisk at the end of a text stands for any continuation,"
    " one before it for any beginning. Only users who made their vCard public are found."
)
_X = f"{{{ns.DATA_FORM}}}x"
_FIELD = f"{{{ns.DATA_FORM}}}field"
_VALUE = f"{{{ns.DATA_FORM}}}value"
_PLAIN = tuple(field.var for field in FIELDS if field.plain)


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked for: who matches all criteria, and which page of them.

    The answer is a data form where `form`, and tells its page where `paged`.
    """

    criteria: Sequence[Criterion]
    page: Page
    form: bool
    paged: bool


def fields() -> Element:
    """What may be searched by: the answer to a get (§2.1, §3)."""
    query = markup.element(SEARCH, "query")
    markup.child(query, "instructions", _INSTRUCTIONS)
    for var in _PLAIN:
        markup.child(query, var)
    form = _form("form")
    query.append(form)
    markup.child(form, "title", "User Search")
    markup.child(form, "instructions", _INSTRUCTIONS)
    _hidden(form)
    for field in FIELDS:
        _field(form, field.var, type="text-single", label=field.label)
    return query


def submitted(query: Element, *, most: int = ROWS, everybody: bool = False) -> Search:
    """What a set asks for, of at most `most` users at once.

    Raises StanzaError: `not-acceptable` where nothing is filled in (XEP-0004 §4), unless
    `everybody` may be listed; `bad-request` for a form that is no submitted one of this kind, and
    for what is no page; `item-not-found` for a page beside an item that there can't be
    (XEP-0059 §2.4).
    """
    form, asked = query.find(_X), query.find(paging.SET)
    said = _plain(query) if form is None else _filled_in(form)
    meant = (criterion(field.var, said.get(field.var, "")) for field in FIELDS)
    criteria = [each for each in meant if each is not None]
    if not criteria and not everybody:
        raise StanzaError("not-acceptable", "fill in a field", reason="search.empty")
    page = _checked(paging.asked(asked, most))
    return Search(criteria, page, form is not None, asked is not None)


def answered(search: Search, found: Found[Row]) -> Element:
    """The users that were found (§2.1, §3); an empty query where there are none at all."""
    query = markup.element(SEARCH, "query")
    if not found.count:
        return query
    if search.form:
        query.append(_reported(found.items))
    else:
        for row in found.items:
            item = markup.child(query, "item", attributes={"jid": row.owner})
            for var in _PLAIN:
                markup.child(item, var, row.shown.get(var, ""))
    if search.paged:
        ends = [row.owner for row in (*found.items[:1], *found.items[-1:])]
        query.append(paging.told(found, *(ends or ("", ""))))
    return query


def _plain(query: Element) -> Mapping[str, str]:
    return {var: query.findtext(f"{{{SEARCH}}}{var}", "") for var in _PLAIN}


def _filled_in(form: Element) -> Mapping[str, str]:
    """The first value of each field of a submitted form (XEP-0004 §3.1)."""
    if form.get("type") != "submit":
        raise StanzaError("bad-request", "no submitted form", reason="stanza.malformed")
    said = {field.get("var", ""): field.findtext(_VALUE, "") for field in form.iterfind(_FIELD)}
    if said.get("FORM_TYPE", SEARCH) != SEARCH:
        raise StanzaError("bad-request", "another FORM_TYPE", reason="stanza.malformed")
    return said


def _checked(page: Page) -> Page:
    """The page, beside the address that its peer names, in normal form."""
    beside = page.after or page.before
    if not beside:
        return page
    try:
        jid = str(JID.parse(beside).bare)
    except JIDError:
        raise StanzaError("item-not-found", "no such page", reason="search.page") from None
    return replace(page, after=jid) if page.after else replace(page, before=jid)


def _reported(rows: Iterable[Row]) -> Element:
    """The users as a form of type "result" (XEP-0004 §3.4).

    It says its FORM_TYPE as the example of XEP-0055 §3 does, though XEP-0004 would have no field
    beside the items: clients know by it what they have.
    """
    form = _form("result")
    _hidden(form)
    reported = markup.child(form, "reported")
    _field(reported, "jid", type="jid-single", label="Jabber ID")
    for field in FIELDS:
        _field(reported, field.var, type="text-single", label=field.label)
    for row in rows:
        item = markup.child(form, "item")
        for var, value in {"jid": row.owner, **dict.fromkeys(_VARS, ""), **row.shown}.items():
            markup.child(_field(item, var), "value", value)
    return form


_VARS = tuple(field.var for field in FIELDS)


def _form(type_: str) -> Element:
    return markup.element(ns.DATA_FORM, "x", attributes={"type": type_})


def _hidden(form: Element) -> None:
    markup.child(_field(form, "FORM_TYPE", type="hidden"), "value", SEARCH)


def _field(parent: Element, var: str, **attributes: str) -> Element:
    return markup.child(parent, "field", attributes={"var": var, **attributes})
