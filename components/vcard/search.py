"""The search for users as it is said on the wire (XEP-0055): the form, what is asked, the answer.

A client may use the four plain fields, or the data form, which has more of them (§3). It gets as
many users as fit one page, or the page that it asks for (XEP-0059).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from components.common import paging
from components.common.build import Content, Tag
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


def fields() -> Tag:
    """What may be searched by: the answer to a get (§2.1, §3)."""
    instructions = Tag("instructions", {}, _INSTRUCTIONS)
    shown = [_field(field.var, type="text-single", label=field.label) for field in FIELDS]
    form = _form("form", Tag("title", {}, "User Search"), instructions, _HIDDEN, *shown)
    return Tag("query", {}, [instructions, *map(Tag, _PLAIN), form], ns=SEARCH)


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


def answered(search: Search, found: Found[Row]) -> Tag:
    """The users that were found (§2.1, §3); an empty query where there are none at all."""
    if not found.count:
        return Tag("query", ns=SEARCH)
    said = [_reported(found.items)] if search.form else [_item(row) for row in found.items]
    if search.paged:
        said.append(paging.told(found, lambda row: row.owner))
    return Tag("query", {}, said, ns=SEARCH)


def _item(row: Row) -> Tag:
    return Tag("item", {"jid": row.owner}, [Tag(var, {}, row.shown.get(var, "")) for var in _PLAIN])


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


def _reported(rows: Iterable[Row]) -> Tag:
    """The users as a form of type "result" (XEP-0004 §3.4).

    It says its FORM_TYPE as the example of XEP-0055 §3 does, though XEP-0004 would have no field
    beside the items: clients know by it what they have.
    """
    shown = [_field(field.var, type="text-single", label=field.label) for field in FIELDS]
    reported = [_field("jid", type="jid-single", label="Jabber ID"), *shown]
    return _form("result", _HIDDEN, Tag("reported", {}, reported), *map(_row, rows))


def _row(row: Row) -> Tag:
    values = {"jid": row.owner, **dict.fromkeys(_VARS, ""), **row.shown}
    return Tag("item", {}, [_field(var, value) for var, value in values.items()])


def _form(type_: str, *content: Content) -> Tag:
    return Tag("x", {"type": type_}, content, ns=ns.DATA_FORM)


def _field(var: str, value: str | None = None, **attributes: str) -> Tag:
    values = [] if value is None else [Tag("value", {}, value)]
    return Tag("field", {"var": var, **attributes}, values)


_VARS = tuple(field.var for field in FIELDS)
_HIDDEN = _field("FORM_TYPE", SEARCH, type="hidden")
