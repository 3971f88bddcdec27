"""A field of a form (XEP-0004 §3.2): what it is called, shows and takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypedDict, TypeVar

from components.common.build import Content, Tag

T = TypeVar("T")


class Shown(TypedDict, total=False):
    """What a field shows besides its label (XEP-0004 §3.2).

    `desc` describes it; a `required` one has to be filled in; `content` is what else stands in
    it, such as the media of a CAPTCHA (XEP-0221).
    """

    desc: str
    required: bool
    content: Sequence[Content]


@dataclass(frozen=True, slots=True, eq=False)
class Field(Generic[T]):
    """A field. `read` makes a value of its texts, `write` texts of its value.

    `read` raises ValueError, with what is wanted, for texts that it does not take. `several`
    says that there may be more than one text (§3.2). `options` are labels by text.
    """

    var: str
    type: str
    label: str
    read: Callable[[Sequence[str]], T]
    write: Callable[[T], Sequence[str]]
    several: bool = False
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    validate: Tag | None = None
    desc: str = ""
    required: bool = False
    content: Sequence[Content] = ()

    def of(self, value: T) -> Filled[T]:
        """The field with a value."""
        return Filled(self, value)

    def head(self) -> Mapping[str, str | None]:
        """Its attributes, where it is shown."""
        return {"var": self.var, "type": self.type, "label": self.label or None}

    def tag(self, texts: Iterable[str] = ()) -> Tag:
        """The field as it is to be filled in; `texts` are its defaults (§3.2)."""
        said: list[Content] = [*self.content]
        if self.desc:
            said.append(Tag("desc", {}, self.desc))
        if self.required:
            said.append(Tag("required"))
        if self.validate is not None:
            said.append(self.validate)
        said += [Tag("value", {}, text) for text in texts]
        for text, label in self.options.items():
            said.append(Tag("option", {"label": label or None}, [Tag("value", {}, text)]))
        return Tag("field", self.head(), said)


class Filled(NamedTuple, Generic[T]):
    """A field, and its value."""

    field: Field[T]
    value: T

    def texts(self) -> Sequence[str]:
        """The value as it is sent."""
        return self.field.write(self.value)


class Note(NamedTuple):
    """A text between fields, line by line (§3.3, "fixed")."""

    text: str

    def tags(self) -> Iterable[Tag]:
        """The note as elements."""
        for line in self.text.splitlines():
            yield Tag("field", {"type": "fixed"}, [Tag("value", {}, line)])
