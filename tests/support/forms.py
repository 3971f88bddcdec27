"""Data forms as a client fills them in and reads them (XEP-0004)."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, fromstring
from xml.sax.saxutils import escape, quoteattr

from components.common.build import Tag
from xmppd import ns

X = f"{{{ns.DATA_FORM}}}"


def submission(form_type: str | None, fields: dict[str, Iterable[str]] | str) -> Element:
    """A submitted form: texts by field, or the fields as they are sent."""
    inner = "" if form_type is None else field("FORM_TYPE", form_type)
    if isinstance(fields, str):
        inner += fields
    else:
        inner += "".join(field(var, *texts) for var, texts in fields.items())
    return fromstring(f"<x xmlns='{ns.DATA_FORM}' type='submit'>{inner}</x>")


def field(var: str, *texts: str) -> str:
    """A field of a submitted form."""
    values = "".join(f"<value>{escape(text)}</value>" for text in texts)
    return f"<field var={quoteattr(var)}>{values}</field>"


def sent_back(form: Tag, changes: dict[str, Iterable[str]] | None = None) -> Element:
    """What a client submits of a form: every field with its defaults, save those it changes."""
    shown = fromstring(form.render())
    said: dict[str, Iterable[str]] = {}
    for each in shown.iterfind(f"{X}field"):
        if each.get("type") != "fixed":
            said[each.get("var", "")] = [v.text or "" for v in each.iterfind(f"{X}value")]
    return submission(None, {**said, **(changes or {})})
