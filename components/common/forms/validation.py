"""Which values a field may have, as XEP-0122 tells a client and as the component checks it.

That a client knows them changes nothing (§4.4): what is submitted is checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from components.common.build import Tag
from components.common.forms.datatypes import Datatype

NAMESPACE = "http://jabber.org/protocol/xdata-validate"

V = TypeVar("V")


class Method(Protocol):
    """What a value has to be besides one of its datatype (§3.2)."""

    def tag(self, datatype: Datatype[Any]) -> Tag:
        """The method as an element."""

    def check(self, text: str, value: Any) -> None:
        """Raises ValueError, with what is wanted, for a value that is not allowed."""


@dataclass(frozen=True, slots=True)
class Open:
    """In a list any value will do, not the options alone (§3.2.2)."""

    def tag(self, datatype: Datatype[Any]) -> Tag:
        """See `Method`."""
        return Tag("open")

    def check(self, text: str, value: Any) -> None:
        """See `Method`."""


@dataclass(frozen=True, slots=True)
class Range:
    """Values from `least` to `most`, both included; None where there is no end (§3.2.3)."""

    least: Any = None
    most: Any = None

    def tag(self, datatype: Datatype[Any]) -> Tag:
        """See `Method`."""
        ends = {"min": self.least, "max": self.most}
        attrs = {name: datatype.write(end) for name, end in ends.items() if end is not None}
        return Tag("range", attrs)

    def check(self, text: str, value: Any) -> None:
        """See `Method`."""
        if self.least is not None and value < self.least:
            raise ValueError(f"not less than {self.least} is wanted")
        if self.most is not None and value > self.most:
            raise ValueError(f"not more than {self.most} is wanted")


@dataclass(frozen=True, slots=True)
class Regex:
    """The whole text is as `pattern` says (§3.2.4).

    Clients read it as a POSIX extended expression, the component as one of Python: it has to mean
    the same in both, and to take no long time for whatever text. `wanted` says it to people.
    """

    pattern: str
    wanted: str

    def tag(self, datatype: Datatype[Any]) -> Tag:
        """See `Method`."""
        return Tag("regex", {}, self.pattern)

    def check(self, text: str, value: Any) -> None:
        """See `Method`."""
        if not re.fullmatch(self.pattern, text):
            raise ValueError(f"{self.wanted} is wanted")


@dataclass(frozen=True, slots=True)
class Validation(Generic[V]):
    """A datatype, with a method or with none, which is `<basic/>` (§3.2).

    `fewest` and `most` say how many values of a list-multi there may be (§3.3), None for however
    many. Raises ValueError for a range of what has no order (§4.7).
    """

    datatype: Datatype[V]
    method: Method | None = None
    fewest: int | None = None
    most: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.method, Range) and not self.datatype.ordered:
            raise ValueError(f"there is no range of {self.datatype.name}")

    @property
    def opened(self) -> bool:
        """Whether a list takes values that are no options: any method but `<basic/>` (§3.2)."""
        return self.method is not None

    def read(self, text: str) -> V:
        """The value of a text; raises ValueError with what is wanted."""
        value = self.datatype.read(text)
        if self.method is not None:
            self.method.check(text, value)
        return value

    def count(self, count: int) -> None:
        """Raises ValueError for a number of values that is not allowed."""
        if self.fewest is not None and count < self.fewest:
            raise ValueError(f"at least {self.fewest} values are wanted")
        if self.most is not None and count > self.most:
            raise ValueError(f"no more than {self.most} values are wanted")

    def tag(self) -> Tag | None:
        """The `<validate/>` of a field; None where it would say what goes without saying."""
        said = [Tag("basic") if self.method is None else self.method.tag(self.datatype)]
        ends = {"min": self.fewest, "max": self.most}
        attrs = {name: str(end) for name, end in ends.items() if end is not None}
        if attrs:
            said.append(Tag("list-range", attrs))
        elif self.method is None and self.datatype.name in ("", "xs:string", "xs:boolean"):
            return None
        return Tag("validate", {"datatype": self.datatype.name or None}, said, ns=NAMESPACE)
