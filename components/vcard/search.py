"""The search for users as it is said on the wire (XEP-0055): the form, what is asked, the answer.

A client may use the four plain fields, or the data form, which has more of them (§3). It gets as
many users as fit one page, or the page that it asks for (XEP-0059).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from components.common import paging
from components.common.build import Tag
from components.common.forms.fields import jid_single, text_single
from components.common.forms.form import Form
from components.common.forms.submission import X
from components.common.forms.values import Values
from components.common.paging import Found, Page
from components.vcard.criteria import Criterion, criterion
from components.vcard.directory import Row
from components.vcard.fields import FIELDS
from components.vcard.names import SEARCH
from xmppd.errors import StanzaError
from xmppd.jid import JID, JIDError

ROWS = 40
"""Users in one answer. With all that a listing may show of each, it fits in a stanza of 256 KiB."""

_JID = jid_single("jid", "Jabber ID")
_TEXTS = {field.var: text_single(field.var, field.label) for field in FIELDS}
FORM = Form(
    SEARCH,
    tuple(_TEXTS.values()),
    title="User Search",
    instructions=(
        "Fill in one or more fields. An asterisk at the end of a text stands for any continuation,"
        " one before it for any beginning. Only users who made their vCard public are found."
    ),
)
_PLAIN = tuple(field.var for field in FIELDS if field.plain)


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked for: who matches all criteria, and which page of them.

    The answer is a data form where `form`, and tells its page in any case where `paged`.
    """

    criteria: Sequence[Criterion]
    page: Page
    form: bool
    paged: bool


def fields() -> Tag:
    """What may be searched by: the answer to a get (§2.1, §3)."""
    instructions = Tag("instructions", {}, FORM.instructions)
    return Tag("query", {}, [instructions, *map(Tag, _PLAIN), FORM.form()], ns=SEARCH)


def submitted(query: Element, *, most: int = ROWS, everybody: bool = False) -> Search:
    """What a set asks for, of at most `most` users at once.

    Raises StanzaError: `not-acceptable` where nothing is filled in (XEP-0004 §4), unless
    `everybody` may be listed; `bad-request` for a form that is no submitted one of this kind, and
    for what is no page; `item-not-found` for a page beside an item that there can't be
    (XEP-0059 §2.4).
    """
    x, asked = query.find(X), query.find(paging.SET)
    said = _plain(query) if x is None else _filled_in(x)
    meant = (criterion(field.var, said.get(field.var, "")) for field in FIELDS)
    criteria = [each for each in meant if each is not None]
    if not criteria and not everybody:
        raise StanzaError("not-acceptable", "fill in a field", reason="search.empty")
    page = _checked(paging.asked(asked, most))
    return Search(criteria, page, x is not None, asked is not None)


def answered(search: Search, found: Found[Row]) -> Tag:
    """The users that were found (§2.1, §3); an empty query where there are none at all.

    Who has asked for no page, and gets no more than one, is told of it too (XEP-0059 §1).
    """
    if not found.count:
        return Tag("query", ns=SEARCH)
    said = [_reported(found.items)] if search.form else [_item(row) for row in found.items]
    if search.paged or found.count > len(found.items):
        said.append(paging.told(found, lambda row: row.owner))
    return Tag("query", {}, said, ns=SEARCH)


def _item(row: Row) -> Tag:
    return Tag("item", {"jid": row.owner}, [Tag(var, {}, row.shown.get(var, "")) for var in _PLAIN])


def _plain(query: Element) -> Mapping[str, str]:
    return {var: query.findtext(f"{{{SEARCH}}}{var}", "") for var in _PLAIN}


def _filled_in(x: Element) -> Mapping[str, str]:
    given = FORM.submitted(x)
    return {var: given.get(field, "") for var, field in _TEXTS.items()}


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
    return FORM.table((_JID, *_TEXTS.values()), map(_values, rows), form_type=True)


def _values(row: Row) -> Values:
    shown = (_TEXTS[var].of(text) for var, text in row.shown.items())
    return Values((_JID.of(JID.parse(row.owner)), *shown))
