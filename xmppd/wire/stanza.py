"""Stanzas and other top-level elements of a stream, as bytes with a parsed start tag.

Rule 1: a stanza is written once. What changes on the way (`from` stamped, another `to`) is a
new start tag around the same inner bytes, never an edit of what somebody else may hold.
Rule 2: the inner bytes were validated by the framer and are portable (see canonical.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element

from msgspec import Struct

from xmppd import ns
from xmppd.errors import StanzaError, StreamError
from xmppd.jid import JID
from xmppd.wire import canonical, escape, tree
from xmppd.wire.blind import BlindHeader
from xmppd.wire.claim import Claim

XML_LANG = f"{ns.XML} lang"
"""The key of `xml:lang` among a frame's attributes."""

_GROWTH = 8
"""How many times larger a stanza may get by rewriting."""

_OWN = {content: content.encode() for content in sorted(ns.CONTENT)}
"""Each content namespace as it is written in a payload."""

_PREFIXED = re.compile(rb"<[^\s/>:]*:")
"""An element with a prefix: `<` stands nowhere but in tags."""
_HIDDEN = re.compile(rb"xmlns\s*=\s*(?:'[^']*&#|\"[^\"]*&#)")
"""A namespace's name, or text that looks like one, with a character reference in it."""

_OPEN = {"message": b"<message", "presence": b"<presence", "iq": b"<iq"}
_CLOSE = {"message": b"</message>", "presence": b"</presence>", "iq": b"</iq>"}
_WRITTEN_APART = frozenset({"from", "to", "type", "id", XML_LANG})


class Stanza(Struct, gc=False, eq=False):
    """A message, presence or IQ (RFC 6120 §8).

    `kind` is ``"message"``, ``"presence"`` or ``"iq"``; `attrs` are the attributes as received;
    `inner` the bytes between its tags; `content` the content namespace those bytes stand in.
    `sender` and `to` are the addresses it is delivered with: the router sets them, once, before
    it is rendered. Who keeps it holds its `claim`, where it has one. `blind` is the address header
    that `inner` begins with, where that was seen when it was read. `cause` is who has caused it,
    where it is the server that sends it to a component.

    A Struct, since it is made several times as fast as an object of Python's own, and is
    nothing that the collector need look at: no stanza refers to what refers to it.
    """

    kind: str
    attrs: dict[str, str]
    _children: list[str] | None
    inner: bytes
    content: str = ns.CLIENT
    sender: JID | None = None
    to: JID | None = None
    _tail: bytes | None = None
    claim: Claim | None = None
    blind: BlindHeader | None = None
    cause: JID | None = None

    @property
    def type(self) -> str:
        """The `type` attribute, "" when absent."""
        return self.attrs.get("type", "")

    @property
    def id(self) -> str:
        """The `id` attribute, "" when absent."""
        return self.attrs.get("id", "")

    @property
    def children(self) -> list[str]:
        """The names of its direct children, each ``"namespace local"``; read when asked for."""
        names = self._children
        if names is None:
            self._children = names = tree.child_names(self.inner, self.content)
        return names

    @property
    def element(self) -> Element:
        """The stanza's content parsed, for code that must understand it: a tree under a root.

        The root carries the stanza's name and attributes in the content namespace.
        """
        return tree.parse(self.kind, self.attrs, self.inner, self.content)

    def tail(self) -> bytes:
        """All but the start of the start tag, encoded once however many receive it."""
        tail = self._tail
        if tail is None:
            self._tail = tail = self._render_tail(self.inner)
        return tail

    def render(self) -> bytes:
        """The stanza as it goes out on a client stream, addressed to `to`."""
        tail = self._tail or self.tail()
        to = self.to
        if to is None:
            return _OPEN[self.kind] + tail
        return b"%b to='%b'%b" % (_OPEN[self.kind], to.attr, tail)

    def addressed(self, to: JID) -> Stanza:
        """The same stanza for `to` instead; however many are made, the tail is encoded once."""
        tail = self._tail or self.tail()
        return Stanza(
            self.kind,
            self.attrs,
            self._children,
            self.inner,
            self.content,
            self.sender,
            to,
            tail,
            self.claim,
        )

    def render_in(self, target: str) -> bytes:
        """The stanza as it goes out on a stream whose content namespace is `target`.

        Raises StanzaError where its prefixes would make it too large there.
        """
        if self._is_alike(target):
            return self.render()
        to = b"" if self.to is None else b" to='%b'" % self.to.attr
        return b"<%b%b%b" % (self.kind.encode(), to, self._render_tail(self._rewritten(target)))

    def translated(self, target: str) -> Stanza:
        """The stanza with its content in the content namespace `target`: the same, if it can be.

        To be done before anybody else holds it. Raises StanzaError as `render_in` does.
        """
        if target == self.content:
            return self
        if not self._is_alike(target):
            self.inner, self._children, self.blind = self._rewritten(target), None, None
        elif self._children:
            before = self.content + " "
            self._children = [
                name.replace(before, f"{target} ", 1) if name.startswith(before) else name
                for name in self._children
            ]
        self.content = target
        return self

    def _is_alike(self, target: str) -> bool:
        """Whether its content, as it is written, means the same in the content namespace `target`.

        A character reference may hide a namespace's name. Below an element with a prefix, what
        has none may be the sender's content namespace, not ours. A namespace with a prefix that
        only attributes have is the same anywhere.
        """
        inner, content = self.inner, self.content
        if target == content:
            return True
        if self.blind is not None:  # in it there is no other namespace than its own
            inner = inner[len(self.blind.data) :]
        return not (
            _OWN[content] in inner
            or (b"xmlns:" in inner and _PREFIXED.search(inner))
            or (b"&#" in inner and _HIDDEN.search(inner))
        )

    def _rewritten(self, target: str) -> bytes:
        inner = self.inner
        try:
            return canonical.rewrite(
                inner,
                scope={"": self.content},
                content=self.content,
                target=target,
                limit=_GROWTH * len(inner),
            )
        except StreamError:
            raise StanzaError("policy-violation", reason="limit.stanza-size") from None

    def _render_tail(self, inner: bytes) -> bytes:
        attrs = self.attrs
        head = "" if self.sender is None else f" from='{self.sender.attr.decode()}'"
        written = ("from" in attrs) + ("to" in attrs)
        # Spelled out, since this is done for every stanza: a loop takes half as long again.
        if (value := attrs.get("type")) is not None:
            written += 1
            head += f" type='{value if value.isalnum() else escape.attribute(value)}'"
        if (value := attrs.get("id")) is not None:
            written += 1
            head += f" id='{value if value.isalnum() else escape.attribute(value)}'"
        if (value := attrs.get(XML_LANG)) is not None:
            written += 1
            head += f" xml:lang='{value if value.isalnum() else escape.attribute(value)}'"
        if written != len(attrs):
            head += canonical.attributes_text(
                (k, v) for k, v in attrs.items() if k not in _WRITTEN_APART
            )
        if inner:
            return b"%b>%b%b" % (head.encode(), inner, _CLOSE[self.kind])
        return head.encode() + b"/>"

    def with_attrs(self, attrs: Mapping[str, str]) -> Stanza:
        """A new stanza with these attributes in place of its own, and the same content."""
        other = Stanza(self.kind, dict(attrs), self._children, self.inner, self.content)
        other.sender, other.to, other.claim = self.sender, self.to, self.claim
        other.blind = self.blind
        return other

    def with_inner(self, inner: bytes, children: list[str] | None = None) -> Stanza:
        """A new stanza with another content: what a REWRITE hook returns.

        `children` are the names of its children, for who knows them.
        """
        other = Stanza(self.kind, self.attrs, children, inner, self.content)
        other.sender, other.to, other.claim = self.sender, self.to, self.claim
        return other

    def __repr__(self) -> str:
        # Never the content: a message body does not belong in a log.
        return f"<Stanza {self.kind} {self.type or '-'} {self.sender} -> {self.to}>"


class Nonza(Struct, gc=False, eq=False):
    """A top-level element of a stream that is no stanza: negotiation, acknowledgements.

    `name` is its ``"namespace local"``, `attrs` its attributes as received, `children` the names
    of its direct children, `inner` the bytes between its tags.
    """

    name: str
    attrs: dict[str, str]
    children: list[str]
    inner: bytes

    @property
    def namespace(self) -> str:
        """The namespace of the element."""
        return self.name.rpartition(" ")[0]

    @property
    def text(self) -> str:
        """The character data directly inside the element, "" when there is none."""
        inner = self.inner
        if b"<" not in inner and b"&" not in inner:
            return inner.decode()
        return tree.parse("x", {}, self.inner, "").text or ""

    @property
    def element(self) -> Element:
        """The element parsed."""
        namespace, _, local = self.name.rpartition(" ")
        return tree.parse(local, self.attrs, self.inner, namespace)

    def __repr__(self) -> str:
        return f"<Nonza {self.name}>"
