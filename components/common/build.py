"""Building of the XML that a component sends.

A `Tag` is a value: a name, attributes, children. It is written once, to bytes; its default
namespace is written where it has one of its own. Bytes among its children are XML that is
ready, and pass as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

Content: TypeAlias = "Tag | bytes | str"
"""A child of an element: an element, XML that is ready, or character data."""

_NO_XML = "\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
"""What XML 1.0 §2.2 has no way to write. Sent once, it would end the stream each time."""
_IN_ATTRIBUTE = re.compile(f"[&<>'\"\t\n\r{_NO_XML}]")
_IN_TEXT = re.compile(f"[&<>\r{_NO_XML}]")
_WRITTEN = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "'": "&apos;",
    '"': "&quot;",
    # A tab or line break in an attribute reads back as a space (XML 1.0 §3.3.3), a carriage
    # return anywhere as a line feed (§2.11).
    "\t": "&#9;",
    "\n": "&#10;",
    "\r": "&#13;",
}


def attribute(value: str) -> str:
    """`value`, fit to stand between quotes of either kind; ValueError for what is no XML."""
    if _IN_ATTRIBUTE.search(value) is None:
        return value
    return _IN_ATTRIBUTE.sub(_write, value)


def text(value: str) -> str:
    """`value`, fit to stand as character data; raises ValueError for what is no XML."""
    if _IN_TEXT.search(value) is None:
        return value
    return _IN_TEXT.sub(_write, value)


def _write(found: re.Match[str]) -> str:
    written = _WRITTEN.get(found[0])
    if written is None:
        raise ValueError(f"U+{ord(found[0]):04X} can't be written in XML")
    return written


class Tag:
    """An element: ``Tag("query", {"node": "x"}, [Tag("item")], ns="jabber:iq:version")``.

    An attribute of value None is left out. `ns` None means the parent's namespace.
    """

    __slots__ = ("attrs", "children", "name", "ns")

    def __init__(
        self,
        name: str,
        attrs: Mapping[str, str | None] | Mapping[str, str] | None = None,
        children: Iterable[Content] | str = (),
        *,
        ns: str | None = None,
    ) -> None:
        self.name = name
        self.attrs: Mapping[str, str | None] = dict(attrs or {})
        self.children: tuple[Content, ...] = (
            (children,) if children and isinstance(children, str) else tuple(children)
        )
        self.ns = ns

    def render(self) -> bytes:
        """The element as UTF-8; raises ValueError for characters that are no XML."""
        out: list[bytes] = []
        self._render(out)
        return b"".join(out)

    def _render(self, out: list[bytes]) -> None:
        head = f"<{self.name}"
        if self.ns is not None:
            head += f" xmlns='{attribute(self.ns)}'"
        for key, value in self.attrs.items():
            if value is not None:
                head += f" {key}='{attribute(value)}'"
        out.append(head.encode())
        mark = len(out)
        out.append(b">")
        for child in self.children:
            if isinstance(child, Tag):
                child._render(out)
            else:
                out.append(child if isinstance(child, bytes) else text(child).encode())
        if len(out) == mark + 1:
            out[mark] = b"/>"
        else:
            out.append(f"</{self.name}>".encode())


def render(content: Iterable[Content]) -> bytes:
    """Several children, one behind the other."""
    return b"".join(
        child.render()
        if isinstance(child, Tag)
        else child
        if isinstance(child, bytes)
        else text(child).encode()
        for child in content
    )


def message_content(content: Iterable[Content]) -> bytes:
    """The children of a message; a text is what people read of it, its body (RFC 6121 §5.2.3)."""
    return render(Tag("body", {}, each) if isinstance(each, str) else each for each in content)
