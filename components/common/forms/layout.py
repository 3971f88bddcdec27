"""Where the fields of a form stand (XEP-0141): on pages, in sections, with texts between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from components.common.build import Tag
from components.common.forms.field import Field

NAMESPACE = "http://jabber.org/protocol/xdata-layout"


class Table:
    """Stands where the table of results is to be shown (§3.3)."""


TABLE: Final = Table()

Part: TypeAlias = "Field[Any] | Section | Table | str"
"""What stands on a page: a field, a section, the table, or a text."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page, under a label (§3.2)."""

    label: str
    parts: tuple[Part, ...]

    def tag(self) -> Tag:
        """The section as an element."""
        return Tag("section", {"label": self.label or None}, map(_tag, self.parts))


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a form (§3.1)."""

    label: str
    parts: tuple[Part, ...]

    def tag(self) -> Tag:
        """The page as an element."""
        return Tag("page", {"label": self.label or None}, map(_tag, self.parts), ns=NAMESPACE)

    def fields(self) -> Iterator[str]:
        """The names of the fields on it, in order."""
        return _fields(self.parts)


def _tag(part: Part) -> Tag:
    if isinstance(part, Field):
        return Tag("fieldref", {"var": part.var})
    if isinstance(part, Section):
        return part.tag()
    return Tag("text", {}, part) if isinstance(part, str) else Tag("reportedref")


def _fields(parts: tuple[Part, ...]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Field):
            yield part.var
        elif isinstance(part, Section):
            yield from _fields(part.parts)
