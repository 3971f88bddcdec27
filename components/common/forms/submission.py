"""What a submitted form says (XEP-0004 §3.1), before and after it is held against its fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar
from xml.etree.ElementTree import Element

from components.common.forms.field import Field, Filled
from xmppd import ns
from xmppd.errors import StanzaError

T = TypeVar("T")

X = f"{{{ns.DATA_FORM}}}x"
"""How a tree spells the name of a form."""
FORM_TYPE = "FORM_TYPE"
"""The field that says which form it is (XEP-0068 §3.1)."""

_FIELD, _VALUE = f"{{{ns.DATA_FORM}}}field", f"{{{ns.DATA_FORM}}}value"

_SHOWN = 150
"""Characters of a name that an outsider has made up, in what is said about it."""

Texts: TypeAlias = Mapping[str, Sequence[str]]
"""The texts of each field, by its name."""


class Bounds(NamedTuple):
    """What a submitted form may have, with the fields that nobody knows here."""

    fields: int = 200
    values: int = 2_000
    characters: int = 100_000


BOUNDS = Bounds()


def canceled(x: Element | None) -> bool:
    """Whether it is a form that was canceled (§3.1)."""
    return x is not None and x.tag == X and x.get("type") == "cancel"


def form_type(x: Element) -> str:
    """The FORM_TYPE of a submitted form, "" for none: it tells which one came in a message."""
    for field in x.iterfind(_FIELD):
        if field.get("var") == FORM_TYPE:
            return field.findtext(_VALUE, "")
    return ""


def texts(x: Element | None, bounds: Bounds = BOUNDS) -> Texts:
    """What a submitted form says in each field that has a name, FORM_TYPE among them.

    Raises StanzaError: `bad-request` for what is no submitted form and for a field that comes
    twice, `not-acceptable` for more than there may be.
    """
    if x is None or x.tag != X or x.get("type") != "submit":
        raise malformed("a submitted form is wanted")
    said: dict[str, Sequence[str]] = {}
    room = bounds
    for field in x.iterfind(_FIELD):
        var = field.get("var", "")
        some = [each.text or "" for each in field.iterfind(_VALUE)]
        length = len(var) + sum(map(len, some))
        room = Bounds(room.fields - 1, room.values - len(some), room.characters - length)
        if min(room) < 0:
            raise StanzaError("not-acceptable", "the form is too large", reason="limit.form")
        if var in said:
            raise malformed(f"{var[:_SHOWN]}: the field comes twice")
        if var:
            said[var] = some
    return said


def filled(fields: Iterable[Field[Any]], said: Texts) -> Iterator[Filled[Any]]:
    """Those fields that were submitted, with their values.

    Raises StanzaError, with the name of the field: `bad-request` for several values where there
    is one (§3.2), `not-acceptable` for a value that it can't have, and where it is required and
    was not filled in (§4).
    """
    for field in fields:
        some = said.get(field.var)
        if field.required and not any(text.strip() for text in some or ()):
            raise _unacceptable(field, "it has to be filled in")
        if some is not None:
            yield _read(field, some)


def _read(field: Field[T], some: Sequence[str]) -> Filled[T]:
    if len(some) > 1 and not field.several:
        raise malformed(f"{field.var}: one value is wanted")
    try:
        return field.of(field.read(some))
    except ValueError as error:
        raise _unacceptable(field, str(error)) from error


def malformed(why: str) -> StanzaError:
    """The error for what is no such form at all."""
    return StanzaError("bad-request", why, reason="stanza.malformed")


def _unacceptable(field: Field[Any], why: str) -> StanzaError:
    return StanzaError("not-acceptable", f"{field.var}: {why}", reason="form.value")
