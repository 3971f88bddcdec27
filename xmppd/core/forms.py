"""Data forms (XEP-0004), as far as the server itself shows and reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

from xmppd import ns
from xmppd.errors import StanzaError
from xmppd.wire.build import Tag


class Field(NamedTuple):
    """One field (XEP-0004 §3.2). `type` "" leaves its type to FORM_TYPE (XEP-0068)."""

    var: str
    values: Sequence[str] = ()
    type: str = ""
    label: str = ""
    required: bool = False

    def tag(self) -> Tag:
        """The field as an element."""
        required = [Tag("required")] if self.required else []
        values = [Tag("value", {}, value) for value in self.values]
        attrs = {"var": self.var, "type": self.type or None, "label": self.label or None}
        return Tag("field", attrs, [*required, *values])


class Form(NamedTuple):
    """A form with a FORM_TYPE (XEP-0068); `fields` are the others."""

    form_type: str
    fields: Sequence[Field]
    title: str = ""
    instructions: str = ""

    def tag(self, type_: str) -> Tag:
        """The form as an element; `type_` is "form" to be filled in, "result" to be read."""
        head = [
            Tag(name, {}, text)
            for name, text in (("title", self.title), ("instructions", self.instructions))
            if text
        ]
        hidden = Field("FORM_TYPE", (self.form_type,), type="hidden")
        fields = [field.tag() for field in (hidden, *self.fields)]
        return Tag("x", {"type": type_}, [*head, *fields], ns=ns.DATA_FORM)


def submitted(x: Element, form_type: str) -> dict[str, str]:
    """The first value of each field of a submitted form, "" where it has none (XEP-0004 §3.1).

    A form without FORM_TYPE is taken for the one asked for. Raises StanzaError `bad-request` for
    a form of another FORM_TYPE, or that is not of type "submit".
    """
    if x.get("type") != "submit":
        raise StanzaError("bad-request", "no submitted form", reason="stanza.malformed")
    values = {
        field.get("var", ""): field.findtext(f"{{{ns.DATA_FORM}}}value") or ""
        for field in x.iterfind(f"{{{ns.DATA_FORM}}}field")
    }
    if values.pop("FORM_TYPE", form_type) != form_type:
        raise StanzaError("bad-request", "another FORM_TYPE", reason="stanza.malformed")
    return values
