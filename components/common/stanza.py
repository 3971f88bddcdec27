"""What comes on a component's stream: a parsed start tag, and the bytes that stand in it.

Most of what a component does with a stanza needs its start tag and the names of its children
only; bytes are passed on, and a tree is made of what is asked for.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from msgspec import Struct

from components.common import build, tree
from xmppd import ns
from xmppd.jid import JID

XML_LANG = f"{ns.XML} lang"
"""The key of `xml:lang` among the attributes of a stanza."""

_WRITTEN = (("type", "type"), ("id", "id"), (XML_LANG, "xml:lang"))


class Stanza(Struct, gc=False, eq=False):
    """A message, presence or IQ (RFC 6120 §8).

    `kind` is ``"message"``, ``"presence"`` or ``"iq"``; `attrs` are its attributes as received;
    `children` the names of its direct children, each ``"namespace local"``; `inner` the bytes
    between its tags, which use no prefix that they do not declare; `content` the namespace it
    is of, and which `inner` has where it declares none.

    A Struct, since it is made several times as fast as an object of Python's own, and is
    nothing that the collector need look at.
    """

    kind: str
    attrs: dict[str, str]
    children: list[str]
    inner: bytes
    content: str = ns.COMPONENT
    _element: Element | None = None
    answered: bool = False
    """Whether an answer, or an error, has been sent: no request gets two."""

    @property
    def type(self) -> str:
        """The `type` attribute, "" when absent."""
        return self.attrs.get("type", "")

    @property
    def id(self) -> str:
        """The `id` attribute, "" when absent."""
        return self.attrs.get("id", "")

    @property
    def sender(self) -> JID:
        """Who sent it; raises JIDError where that is no address."""
        return JID.parse(self.attrs.get("from", ""))

    @property
    def to(self) -> JID:
        """Whom it is for; raises JIDError where that is no address."""
        return JID.parse(self.attrs.get("to", ""))

    @property
    def element(self) -> Element:
        """The stanza as a tree, made once: ``stanza.element.find(stanza.named("thread"))``."""
        element = self._element
        if element is None:
            element = tree.parse(self.kind, self.attrs, self.inner, self.content)
            self._element = element
        return element

    @property
    def body(self) -> str:
        """What people read of a message: the text of its first body, "" without one."""
        return self.element.findtext(self.named("body"), "")

    @property
    def payload(self) -> Element:
        """The first child as a tree: of an IQ get or set the only one (RFC 6120 §8.2.3)."""
        return self.element[0]

    def kept(self) -> Stanza:
        """The same for who keeps it a while: without the tree, which is many times as large."""
        return Stanza(self.kind, self.attrs, self.children, self.inner, self.content)

    def named(self, local: str) -> str:
        """How a tree spells a name of the stanza's own namespace, such as ``body``."""
        return f"{{{self.content}}}{local}"

    def __repr__(self) -> str:
        # Never the content: what people write does not belong in a log.
        addresses = f"{self.attrs.get('from')} -> {self.attrs.get('to')}"
        return f"<Stanza {self.kind} {self.type or '-'} {addresses}>"


class Nonza(Struct, gc=False, eq=False):
    """A top-level element that is no stanza; `name` is its ``"namespace local"``."""

    name: str
    attrs: dict[str, str]
    children: list[str]
    inner: bytes

    @property
    def element(self) -> Element:
        """It as a tree."""
        namespace, _, local = self.name.rpartition(" ")
        return tree.parse(local, self.attrs, self.inner, namespace)


def write(
    kind: str,
    sender: str,
    to: str,
    inner: bytes = b"",
    *,
    type_: str = "",
    id_: str = "",
    lang: str = "",
    namespace: str = "",
) -> bytes:
    """A stanza as bytes, `inner` being its content; "" leaves an attribute out.

    `namespace` is declared on it where it does not stand on the component's own stream.
    """
    head = f"<{kind}"
    if namespace:
        head += f" xmlns='{namespace}'"
    if sender:
        head += f" from='{build.attribute(sender)}'"
    if to:
        head += f" to='{build.attribute(to)}'"
    if type_:
        head += f" type='{type_ if type_.isalnum() else build.attribute(type_)}'"
    if id_:
        head += f" id='{id_ if id_.isalnum() else build.attribute(id_)}'"
    if lang:
        head += f" xml:lang='{build.attribute(lang)}'"
    if inner:
        return b"%b>%b</%b>" % (head.encode(), inner, kind.encode())
    return head.encode() + b"/>"
