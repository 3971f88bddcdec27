"""A form as a value: how it is shown, and what is read of one that was submitted (XEP-0004).

    CONFIG = Form("http://jabber.org/protocol/muc#roomconfig", (NAME, PUBLIC), title="The room")
    query = Tag("query", {}, [CONFIG.form(config)], ns=MUC_OWNER)
    config = config | CONFIG.submitted(x)
    if config[PUBLIC]: ...

A field that was not submitted is not among what is read: it stays as it was (§3.5). One that was
submitted with nothing in it is there, with the value that means nothing (§3.6).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from components.common.build import Content, Tag
from components.common.forms import submission
from components.common.forms.field import Field, Filled, Note
from components.common.forms.layout import Page
from components.common.forms.submission import BOUNDS, FORM_TYPE, Bounds
from components.common.forms.values import Values
from xmppd import ns

_OFF_PAGE = ("hidden", "fixed")
"""Types of fields that no page need have (XEP-0141 §4.2)."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a FORM_TYPE (XEP-0068), "" for none, with its fields in the order of the screen.

    Raises ValueError for two fields of one name, and for a layout that has not each field once.
    """

    form_type: str
    fields: Sequence[Field[Any] | Note]
    title: str = ""
    instructions: str = ""
    layout: Sequence[Page] = ()
    bounds: Bounds = BOUNDS

    def __post_init__(self) -> None:
        names = Counter([FORM_TYPE, *(each.var for each in self._named())])
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            raise ValueError(f"two fields have the same name: {', '.join(twice)}")
        if self.layout:
            laid = Counter(var for page in self.layout for var in page.fields())
            shown = Counter(each.var for each in self._named() if each.type not in _OFF_PAGE)
            wrong = (laid - shown) + (shown - laid)
            if wrong:
                raise ValueError(f"not once in the layout: {', '.join(wrong)}")

    # ------------------------------------------------------------------ shown

    def form(self, values: Iterable[Filled[Any]] = ()) -> Tag:
        """The form to be filled in; `values` are the defaults (§3.2)."""
        texts = {each.field.var: each.texts() for each in values}
        said: list[Content] = [*self._head(), *(page.tag() for page in self.layout)]
        for each in self.fields:
            if isinstance(each, Note):
                said += each.tags()
            else:
                said.append(each.tag(texts.get(each.var, ())))
        return _x("form", said)

    def result(self, values: Iterable[Filled[Any]]) -> Tag:
        """Values to be read, in service discovery among others (XEP-0128)."""
        return _x("result", [*self._head(), *(_filled(each, each.field.head()) for each in values)])

    def submit(self, values: Iterable[Filled[Any]]) -> Tag:
        """The form filled in, where it is the component that submits it."""
        filled = [_filled(each, {"var": each.field.var}) for each in values]
        return _x("submit", [*self._form_type(), *filled])

    def table(
        self, columns: Sequence[Field[Any]], rows: Iterable[Values], *, form_type: bool = False
    ) -> Tag:
        """Results, one a row (§3.4); what a row lacks is empty.

        `form_type` has the FORM_TYPE in front, where the specification of the form shows it so:
        XEP-0004 would have nothing there.
        """
        said = [*self._form_type()] if form_type else []
        said.append(Tag("reported", {}, [Tag("field", each.head()) for each in columns]))
        said += [_item(columns, row) for row in rows]
        return _x("result", said)

    def _head(self) -> Iterator[Tag]:
        if self.title:
            yield Tag("title", {}, self.title)
        for line in self.instructions.splitlines():
            yield Tag("instructions", {}, line)
        yield from self._form_type()

    def _form_type(self) -> Iterator[Tag]:
        if self.form_type:
            value = Tag("value", {}, self.form_type)
            yield Tag("field", {"var": FORM_TYPE, "type": "hidden"}, [value])

    def _named(self) -> Iterator[Field[Any]]:
        return (each for each in self.fields if isinstance(each, Field))

    # ------------------------------------------------------------------ read

    def submitted(self, x: Element | None) -> Values:
        """What a submitted form says, of the fields that it has; what is unknown is left out.

        A form without FORM_TYPE is taken for this one (XEP-0068 §4.1). Raises StanzaError:
        `bad-request` for what is no submitted form of this kind, `not-acceptable` for values that
        the fields can't have, or too many (XEP-0004 §4). Its text names the field.
        """
        said = submission.texts(x, self.bounds)
        given = said.get(FORM_TYPE)
        if self.form_type and given is not None and list(given) != [self.form_type]:
            raise submission.malformed(f"the FORM_TYPE {self.form_type} is wanted")
        return Values(submission.filled(self._named(), said))


CANCEL = Tag("x", {"type": "cancel"}, ns=ns.DATA_FORM)
"""A form of which the component wants no more (§3.1)."""


def _x(type_: str, said: Iterable[Content]) -> Tag:
    return Tag("x", {"type": type_}, said, ns=ns.DATA_FORM)


def _filled(filled: Filled[Any], head: Mapping[str, str | None]) -> Tag:
    return Tag("field", head, [Tag("value", {}, text) for text in filled.texts()])


def _item(columns: Sequence[Field[Any]], row: Values) -> Tag:
    fields = []
    for column in columns:
        texts = column.write(row[column]) if column in row else ()
        values = [Tag("value", {}, text) for text in texts or ("",)]
        fields.append(Tag("field", {"var": column.var}, values))
    return Tag("item", {}, fields)
