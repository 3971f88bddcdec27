"""Entries of Atom as a text (RFC 4287 §3.1, §4.2.13, §4.2.14)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from xml.etree.ElementTree import Element, ParseError, fromstring

from components.pubsub.model.body import Untransformed

ATOM = "http://www.w3.org/2005/Atom"
_XHTML = "http://www.w3.org/1999/xhtml"

CHARACTERS = 16_000
"""How much of a text is looked at: a body has less, and markup takes some."""

_LINES = frozenset(
    {"address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption"}
    | {"figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li"}
    | {"main", "nav", "ol", "p", "pre", "section", "table", "tr", "ul"}
)
"""Elements of HTML that begin on a line of their own."""
_UNSEEN = frozenset({"script", "style", "template", "title"})
"""Those whose text nobody is shown."""

_SPACE = re.compile(r"\s+")
_BLANK = re.compile(r"[^\S\n]+")
_BREAK = re.compile(r"\s*\n\s*")
_MARKUP = re.compile(r"<!--|-->|<(/?)([a-zA-Z][a-zA-Z0-9]*+)[^<>]*+>|<[!?][^<>]*+>")
"""A piece of markup. None is looked for twice in the same text, however it begins."""
_CUT = re.compile(r"(?:<(?:[a-zA-Z/!?][^<>]*+)?|&[^\s&;<>]{0,32})\Z")
"""Markup, or a reference, whose end is no more there."""


def summary(payload: bytes) -> str:
    """What an entry says of itself: its summary, or lacking that its title."""
    return _first(payload, "summary", "title")


def title(payload: bytes) -> str:
    """Its title, or lacking that its summary: a microblog's title is the post (XEP-0277 §8)."""
    return _first(payload, "title", "summary")


def _first(payload: bytes, *names: str) -> str:
    try:
        entry = fromstring(payload)
    except ParseError as error:
        raise Untransformed(str(error)) from error
    if not entry.tag.startswith(f"{{{ATOM}}}"):
        return ""
    for name in names:
        found = entry.find(f"{{{ATOM}}}{name}")
        said = "" if found is None else _text(found)
        if said:
            return said
    return ""


def _text(construct: Element) -> str:
    """A text construct (§3.1), without its markup: text, HTML in a text, or a tree of XHTML."""
    type_ = construct.get("type", "text")
    if type_ == "xhtml":
        return _shown(_seen(construct))
    whole = construct.text or ""
    said = whole[:CHARACTERS]
    if type_ == "html":
        if said != whole:
            said = _CUT.sub("", said)
        return _shown(_unmarked(said))
    return _lines(said)


def _lines(said: str) -> str:
    """A text whose lines are indented by nothing, with no more than one empty line between two."""
    lines = "\n".join(line.strip() for line in said.split("\n")).strip()
    return re.sub("\n{3,}", "\n\n", lines)


def _shown(parts: Iterator[str]) -> str:
    """Texts between markup, in which white space is a space and lines are those of the markup."""
    return _BREAK.sub("\n", _BLANK.sub(" ", "".join(parts))).strip()


def _seen(top: Element) -> Iterator[str]:
    """What is to be seen of XHTML. A stack rather than recursion: it may be nested deeply."""
    waiting: list[Element | str] = [top]
    room = CHARACTERS
    while waiting and room > 0:
        each = waiting.pop()
        said = each if isinstance(each, str) else _begun(each, waiting)
        room -= len(said)
        yield said


def _begun(element: Element, waiting: list[Element | str]) -> str:
    """How an element begins; what follows of it goes to those that wait, the first one last."""
    name = element.tag.removeprefix(f"{{{_XHTML}}}")
    if name in _UNSEEN:
        return ""
    end = "\n" if name in _LINES else ""
    waiting.append(end)
    for each in reversed(element):
        waiting += [_SPACE.sub(" ", each.tail or ""), each]
    return end + _SPACE.sub(" ", element.text or "")


def _unmarked(html: str) -> Iterator[str]:
    """What is to be seen of HTML as people write it: markup that is none stays as it is."""
    unseen = ""
    at = 0
    for found in _MARKUP.finditer(html):
        if not unseen:
            yield _read(html[at : found.start()])
            yield _line(found)
        unseen = _hidden(unseen, found)
        at = found.end()
    if not unseen:
        yield _read(html[at:])


def _read(html: str) -> str:
    """A piece of HTML in which there is no markup but for references to characters."""
    try:
        html = unescape(html)
    except ValueError:
        pass  # one has so many digits that Python reads no number: all of them stay as they are
    return _SPACE.sub(" ", html)


def _line(found: re.Match[str]) -> str:
    if found[0] == "-->":
        return found[0]  # the end of no comment
    return "\n" if (found[2] or "").lower() in _LINES else ""


def _hidden(unseen: str, found: re.Match[str]) -> str:
    """What hides the text behind a piece of markup: an element, a comment, "" for nothing."""
    name = (found[2] or "").lower()
    if unseen:
        ended = found[0] == "-->" if unseen == "<!--" else bool(found[1]) and name == unseen
        return "" if ended else unseen
    if found[0] == "<!--":
        return "<!--"
    return name if name in _UNSEEN and not found[1] else ""
