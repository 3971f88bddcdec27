"""Building of the elements that the server itself writes.

`Tag` is a value: a name, attributes, children. It is rendered once, to bytes; its default
namespace is written where it differs from its parent's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from xmppd.wire import escape
from xmppd.wire.stanza import Stanza


class Raw(NamedTuple):
    """Bytes of XML that are already right."""

    data: bytes


class Tag:
    """An element: ``Tag("query", {"node": "x"}, [Tag("item")], ns="jabber:iq:roster")``.

    A child is a `Tag`, a `str` (character data) or `Raw`. An attribute of value None is left
    out. `ns` None means the parent's namespace.
    """

    __slots__ = ("attrs", "children", "name", "ns")

    def __init__(
        self,
        name: str,
        attrs: dict[str, str | None] | dict[str, str] | None = None,
        children: Iterable[Tag | Raw | str] | str = (),
        *,
        ns: str | None = None,
    ) -> None:
        self.name = name
        self.attrs = attrs or {}
        self.children: tuple[Tag | Raw | str, ...] = (
            (children,) if children and isinstance(children, str) else tuple(children)
        )
        self.ns = ns

    def render(self) -> bytes:
        """The element as UTF-8 bytes."""
        out: list[bytes] = []
        self._render(out)
        return b"".join(out)

    def _render(self, out: list[bytes]) -> None:
        head = f"<{self.name}"
        if self.ns is not None:
            head += f" xmlns='{escape.attribute(self.ns)}'"
        for key, value in self.attrs.items():
            if value is not None:
                head += f" {key}='{escape.attribute(value)}'"
        out.append(head.encode())
        mark = len(out)
        out.append(b">")
        for child in self.children:
            if isinstance(child, Tag):
                child._render(out)
            elif isinstance(child, Raw):
                out.append(child.data)
            else:
                out.append(escape.text(child).encode())
        if len(out) == mark + 1:
            out[mark] = b"/>"
        else:
            out.append(f"</{self.name}>".encode())


def render(content: Iterable[Tag | Raw]) -> bytes:
    """Several elements, one behind the other."""
    return b"".join(c.render() if isinstance(c, Tag) else c.data for c in content)


def stanza(kind: str, attrs: dict[str, str], *content: Tag | Raw) -> Stanza:
    """A stanza of the server's own; the caller sets `sender` and `to`."""
    children: list[str] = []
    for each in content:
        if isinstance(each, Raw):  # its children are read when somebody asks
            return Stanza(kind, attrs, None, render(content))
        if each.ns:
            children.append(f"{each.ns} {each.name}")
    return Stanza(kind, attrs, children, render(content))
