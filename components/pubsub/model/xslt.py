"""Transformations in XSLT 1.0, which the operator has put in place (`pubsub#body_xslt`).

The transformation is trusted, what it is applied to is not. It reads nothing but the payload, and
writes nothing: no file, no address, no entity.

libxml2 never forgets a name that it has read, as long as the thread lives which has read it. So
each payload has a thread of its own, for which the others wait, but not for ever: one that goes on
is left alone, and until it has ended there are no more of its kind.
"""

from __future__ import annotations

from threading import Thread

from lxml import etree

from components.pubsub.model.body import CHARACTERS, Untransformed

OCTETS = 65_536
"""Of a payload that is transformed: how long that takes may grow with its square."""

PATIENCE = 0.25
"""Seconds that a transformation may take."""

_XSL = "{http://www.w3.org/1999/XSL/Transform}"
_OTHERS = (f"{_XSL}import", f"{_XSL}include")
_WHOLE = (f"{_XSL}stylesheet", f"{_XSL}transform")
_OUTPUT = f"{_XSL}output"


class Transformation:
    """A stylesheet that makes texts of payloads, each time as if it was the first.

    Raises ValueError, with the reason, for what is no stylesheet, or is in several files.
    """

    def __init__(self, stylesheet: bytes) -> None:
        try:
            read = etree.fromstring(stylesheet, _parser())
            if next(read.iter(*_OTHERS), None) is not None:
                raise ValueError("it includes others")
            _have_text(read)
            self._whole = read.tag in _WHOLE
            deny = etree.XSLTAccessControl.DENY_ALL
            # Nor are there regular expressions, which may take very long (EXSLT, in Python).
            self._xslt = etree.XSLT(read, access_control=deny, regexp=False)
        except etree.LxmlError as error:
            raise ValueError(str(error) or "it can't be compiled") from error
        self._thread: Thread | None = None
        """That of the payload that came last."""

    def __call__(self, payload: bytes) -> str:
        """The text of a payload; markup that is made is left out."""
        if len(payload) > OCTETS:
            raise Untransformed(f"more than {OCTETS} octets")
        if self._thread is not None and self._thread.is_alive():
            raise Untransformed("an earlier payload is still being transformed")
        said: list[str | Untransformed] = []
        self._thread = Thread(target=self._apply, args=(payload, said), daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            self._thread = None
            raise Untransformed(str(error)) from error
        self._thread.join(PATIENCE)
        if not said:
            raise Untransformed(f"it takes more than {PATIENCE} s")
        if isinstance(said[0], Untransformed):
            raise said[0]
        return said[0]

    def _apply(self, payload: bytes, said: list[str | Untransformed]) -> None:
        try:
            made = self._xslt(etree.fromstring(payload, _parser()))
            said.append(_text(made, whole=self._whole))
        except (etree.LxmlError, ValueError, MemoryError) as error:
            # No memory, among others.
            said.append(Untransformed(str(error) or "it came to no end"))


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)


def _have_text(stylesheet: etree._Element) -> None:
    """Have a stylesheet make a text, whatever it says that it makes (XSLT 1.0 §16.3).

    Else there would be markup beside a text that stands in no element. Where the stylesheet is an
    element of what it makes (§2.3) it can't say so, nor need it: all of the text stands in that.
    """
    if stylesheet.tag in _WHOLE:
        for each in stylesheet.findall(_OUTPUT):
            stylesheet.remove(each)
        etree.SubElement(stylesheet, _OUTPUT, method="text", encoding="UTF-8")


def _text(result: etree._XSLTResultTree, *, whole: bool) -> str:
    """As much of what was made as a body has, and white space before it."""
    said = str(result) if whole else result.getroot().xpath("string()", smart_strings=False)
    return str(said).lstrip()[: CHARACTERS + 1]
