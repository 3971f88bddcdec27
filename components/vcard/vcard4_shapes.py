"""How a property of vcard-temp (XEP-0054) and of a vCard4 in XML (RFC 6351) become one another.

A shape is a value with two methods: each makes of one element that of the other kind, None where
there is nothing to say. Blanks around a text say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, unquote
from xml.etree.ElementTree import Element

from components.common import tree
from components.vcard.names import VCARD4, VCARD_TEMP

TEMP, NEW = f"{{{VCARD_TEMP}}}", f"{{{VCARD4}}}"

_PARAMETERS = f"{NEW}parameters"

FLAGS = {
    "HOME": "home",
    "WORK": "work",
    "VOICE": "voice",
    "FAX": "fax",
    "PAGER": "pager",
    "MSG": "text",  # as in the example of XEP-0292 §4.1.1
    "CELL": "cell",
    "VIDEO": "video",
}
"""The types that both have, as elements in vcard-temp and as values of TYPE (RFC 6350 §5.6)."""
_ELEMENTS = {type_: flag for flag, type_ in FLAGS.items()}


class Shape(Protocol):
    """What a property looks like on both sides; `name` is that of the element to be made."""

    def to_new(self, old: Element, name: str) -> Element | None:
        """The property of a vCard4."""

    def to_temp(self, new: Element, name: str) -> Element | None:
        """The property of vcard-temp."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text: of the element itself, or of its child `inside`, on the side of vcard-temp.

    The vCard4 has it in an element called `value`. `flags` says that there are types, too.
    """

    value: str = "text"
    inside: str = ""
    flags: bool = False

    def to_new(self, old: Element, name: str) -> Element | None:
        """See `Shape`."""
        text = _text(old.find(f"{TEMP}{self.inside}") if self.inside else old)
        if not text:
            return None
        made = tree.element(VCARD4, name)
        if self.flags:
            _put_parameters(made, old)
        tree.child(made, *self._said(text))
        return made

    def to_temp(self, new: Element, name: str) -> Element | None:
        """See `Shape`. A value of any type is taken: dates come as several."""
        text = next(_values(new), "")
        text = self._understood(text)
        if not text:
            return None
        if not self.inside:
            return tree.element(VCARD_TEMP, name, text)
        made = tree.element(VCARD_TEMP, name)
        if self.flags:
            _put_flags(made, new)
        tree.child(made, self.inside, text)
        return made

    def _said(self, text: str) -> tuple[str, str]:
        """The element's name and its text."""
        return self.value, text

    def _understood(self, text: str) -> str:
        return text


_DATE = re.compile("[-0-9]+")
_GLOBAL = re.compile(r"\+[-.()0-9]*[0-9][-.()0-9]*")


class Date(Text):
    """A date, with a time or without, or a text about one (RFC 6350 §6.2.5), as it is spelled."""

    __slots__ = ()

    def _said(self, text: str) -> tuple[str, str]:
        day, clock, _ = text.partition("T")
        if not _DATE.fullmatch(day):
            return "text", text
        return ("date-time" if clock else "date"), text


class Address(Text):
    """A JID, which is an `xmpp:` URI in a vCard4 (XEP-0292 §11.1)."""

    __slots__ = ()

    def _said(self, text: str) -> tuple[str, str]:
        return "uri", f"xmpp:{quote(text, safe=_IN_URI)}"

    def _understood(self, text: str) -> str:
        scheme, _, rest = text.partition(":")
        # What may follow says what to do with it (RFC 5122 §2.2).
        return unquote(re.split("[?#]", rest)[0]) if scheme.lower() == "xmpp" else ""


_IN_URI = "@/!$&'()*+,;=:"
"""What stands for itself in an address within a URI, besides letters, digits and `-._~`."""


class Number(Text):
    """A telephone number: a `tel:` URI where it is a global one (RFC 3966 §5.1.4), or a text."""

    __slots__ = ()

    def _said(self, text: str) -> tuple[str, str]:
        return ("uri", f"tel:{text}") if _GLOBAL.fullmatch(text) else ("text", text)

    def _understood(self, text: str) -> str:
        return text.removeprefix("tel:")


@dataclass(frozen=True, slots=True)
class Parts:
    """Several parts, each an element by another name: `pairs` of vcard-temp's and the vCard4's.

    Of a part that comes several times the texts are joined by commas, as vcard-temp has them.
    """

    pairs: tuple[tuple[str, str], ...]
    flags: bool = False

    def to_new(self, old: Element, name: str) -> Element | None:
        """See `Shape`."""
        made = tree.element(VCARD4, name)
        for there, here in self.pairs:
            if text := _joined(old.iterfind(f"{TEMP}{there}")):
                tree.child(made, here, text)
        if not len(made):
            return None
        if self.flags:
            _put_parameters(made, old)
        return made

    def to_temp(self, new: Element, name: str) -> Element | None:
        """See `Shape`."""
        made = tree.element(VCARD_TEMP, name)
        if self.flags:
            _put_flags(made, new)
        said = len(made)
        for there, here in self.pairs:
            if text := _joined(new.iterfind(f"{NEW}{here}")):
                tree.child(made, there, text)
        return made if len(made) > said else None


MOST_WORDS = 500
"""Words that one text with commas is taken apart into; what is behind them is one more. Of a text
of nothing but commas it would take a hundred times as long, and many times the room."""


@dataclass(frozen=True, slots=True)
class Words:
    """A list: in vcard-temp elements called `first`, the others `rest`, or one text with commas."""

    first: str = ""
    rest: str = ""

    def to_new(self, old: Element, name: str) -> Element | None:
        """See `Shape`."""
        if self.first:
            names = (f"{TEMP}{self.first}", f"{TEMP}{self.rest}")
            words = [_text(each) for each in old if each.tag in names]
        else:
            words = [word.strip() for word in _text(old).split(",", MOST_WORDS)]
        words = [word for word in words if word]
        if not words:
            return None
        made = tree.element(VCARD4, name)
        for word in words:
            tree.child(made, "text", word)
        return made

    def to_temp(self, new: Element, name: str) -> Element | None:
        """See `Shape`."""
        words = list(_values(new))
        if not words:
            return None
        if not self.first:
            return tree.element(VCARD_TEMP, name, ",".join(words))
        made = tree.element(VCARD_TEMP, name)
        for number, word in enumerate(words):
            tree.child(made, self.rest if number else self.first, word)
        return made


class Place:
    """A position: latitude and longitude, or a `geo:` URI (RFC 5870)."""

    def to_new(self, old: Element, name: str) -> Element | None:
        """See `Shape`."""
        ends = [_text(old.find(f"{TEMP}{part}")) for part in ("LAT", "LON")]
        if not all(_NUMBER.fullmatch(end) for end in ends):
            return None
        made = tree.element(VCARD4, name)
        tree.child(made, "uri", f"geo:{','.join(ends)}")
        return made

    def to_temp(self, new: Element, name: str) -> Element | None:
        """See `Shape`."""
        found = _GEO.match(next(_values(new), ""))
        if found is None:
            return None
        made = tree.element(VCARD_TEMP, name)
        tree.child(made, "LAT", found[1])
        tree.child(made, "LON", found[2])
        return made


_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")
_GEO = re.compile(r"geo:([-+]?[0-9]+(?:\.[0-9]+)?),([-+]?[0-9]+(?:\.[0-9]+)?)(?![0-9.])")


@dataclass(frozen=True, slots=True)
class Binary:
    """Data: within the vCard, where a vCard4 has a `data:` URI (RFC 2397), or elsewhere.

    `media` is the type of those of which vcard-temp has no word for the type.
    """

    media: str = ""

    def to_new(self, old: Element, name: str) -> Element | None:
        """See `Shape`."""
        data = "".join(_text(old.find(f"{TEMP}BINVAL")).split())
        uri = _text(old.find(f"{TEMP}EXTVAL"))
        if data:
            type_ = self.media or _text(old.find(f"{TEMP}TYPE"))
            uri = f"data:{type_ if _MEDIA_TYPE.fullmatch(type_) else ''};base64,{data}"
        if not uri:
            return None
        made = tree.element(VCARD4, name)
        tree.child(made, "uri", uri)
        return made

    def to_temp(self, new: Element, name: str) -> Element | None:
        """See `Shape`."""
        uri = next(_values(new), "")
        head, comma, data = uri.partition(",")
        made = tree.element(VCARD_TEMP, name)
        if not head.startswith("data:"):
            tree.child(made, "EXTVAL", uri)
        elif head.endswith(";base64") and comma and data:
            if not self.media:
                tree.child(made, "TYPE", head.removeprefix("data:").removesuffix(";base64"))
            tree.child(made, "BINVAL", data)
        return made if uri and len(made) else None


class Agent:
    """Where the vCard is of somebody who acts for one: a relation of that type (RFC 6350 §6.6.6).

    A vCard within a vCard is none (XEP-0292 §11.3.2).
    """

    def to_new(self, old: Element, name: str) -> Element | None:
        """See `Shape`."""
        uri = _text(old.find(f"{TEMP}EXTVAL"))
        if not uri:
            return None
        made = tree.element(VCARD4, name)
        type_ = tree.child(tree.child(made, "parameters"), "type")
        tree.child(type_, "text", "agent")
        tree.child(made, "uri", uri)
        return made

    def to_temp(self, new: Element, name: str) -> Element | None:
        """See `Shape`."""
        uri = next(_values(new), "")
        if not uri or "agent" not in _types(new):
            return None
        made = tree.element(VCARD_TEMP, name)
        tree.child(made, "EXTVAL", uri)
        return made


_MEDIA_TYPE = re.compile(r"[-+.\w]+/[-+.\w]+", re.ASCII)


def _text(element: Element | None) -> str:
    return "" if element is None else (element.text or "").strip()


def _joined(elements: Iterator[Element]) -> str:
    return ",".join(filter(None, map(_text, elements)))


def _values(new: Element) -> Iterator[str]:
    """The texts of a property of a vCard4, its parameters aside."""
    return filter(None, (_text(each) for each in new if each.tag != _PARAMETERS))


def _put_parameters(made: Element, old: Element) -> None:
    """Say in front of the rest of which types it is, and whether it is preferred."""
    types = [type_ for flag, type_ in FLAGS.items() if old.find(f"{TEMP}{flag}") is not None]
    preferred = old.find(f"{TEMP}PREF") is not None
    if not types and not preferred:
        return
    parameters = tree.element(VCARD4, "parameters")
    made.insert(0, parameters)
    if types:
        type_ = tree.child(parameters, "type")
        for each in types:
            tree.child(type_, "text", each)
    if preferred:
        tree.child(tree.child(parameters, "pref"), "integer", "1")


def _types(new: Element) -> set[str]:
    return {_text(each).lower() for each in new.iterfind(f"{_PARAMETERS}/{NEW}type/{NEW}text")}


def _put_flags(made: Element, new: Element) -> None:
    said = _types(new)
    for type_, flag in _ELEMENTS.items():
        if type_ in said:
            tree.child(made, flag)
    if _text(new.find(f"{_PARAMETERS}/{NEW}pref/{NEW}integer")) == "1":
        tree.child(made, "PREF")


def sorted_as(new: Element) -> str:
    """By what a name is sorted, "" where that is not said (RFC 6350 §5.9)."""
    return _joined(new.iterfind(f"{_PARAMETERS}/{NEW}sort-as/{NEW}text"))


def put_sorted_as(new: Element, text: str) -> None:
    """Have a name sorted by this, "" for nothing in particular."""
    parameters = new.find(_PARAMETERS)
    if parameters is None:
        if not text:
            return
        parameters = tree.element(VCARD4, "parameters")
        new.insert(0, parameters)
    for each in parameters.findall(f"{NEW}sort-as"):
        parameters.remove(each)
    if text:
        tree.child(tree.child(parameters, "sort-as"), "text", text)
    if not len(parameters):
        new.remove(parameters)


def blank(element: Element) -> bool:
    """Whether a property says nothing."""
    return not any(text.strip() for text in element.itertext())
