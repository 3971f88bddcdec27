"""The photo of a vCard: an image, its hash (XEP-0153 §3.1), and `<PHOTO/>` (XEP-0054 §9)."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import sha1
from xml.etree.ElementTree import Element

from components.common import image, tree
from components.vcard.names import VCARD_TEMP
from xmppd.errors import StanzaError

PHOTO = f"{{{VCARD_TEMP}}}PHOTO"
_BINVAL = f"{{{VCARD_TEMP}}}BINVAL"
_BLANKS = str.maketrans("", "", " \t\r\n")


@dataclass(frozen=True, slots=True)
class Photo:
    """An image; `hash` is the SHA-1 of `data` in hexadecimal digits of lower case."""

    type: str
    data: bytes = field(repr=False)
    hash: str
    width: int
    height: int

    def element(self) -> Element:
        """The photo as `<PHOTO/>`, with the type that it has."""
        made = tree.element(VCARD_TEMP, "PHOTO")
        tree.child(made, "TYPE", self.type)
        tree.child(made, "BINVAL", b64encode(self.data).decode())
        return made


def decoded(text: str, most: int) -> Photo:
    """The photo that base64 text means; blanks in it do not count (XEP-0153 §4.6).

    Raises StanzaError: `bad-request` for what is no base64, `policy-violation` for more than
    `most` octets, `not-acceptable` for what is no image of a kind that is known here. What its
    sender says it were does not matter (XEP-0153 §5).
    """
    text = text.translate(_BLANKS)
    if len(text) > (most + 2) // 3 * 4:
        raise _too_large()
    try:
        data = b64decode(text, validate=True)
    except ValueError as error:
        raise StanzaError("bad-request", "no base64", reason="vcard.photo") from error
    if len(data) > most:
        raise _too_large()
    kind = image.recognised(data)
    if kind is None:
        raise StanzaError(
            "not-acceptable", "neither PNG nor JPEG, GIF or WebP", reason="vcard.photo"
        )
    # Which avatar it is, no more: XEP-0153 and XEP-0084 leave no choice of the hash.
    digest = sha1(data, usedforsecurity=False).hexdigest()
    return Photo(kind.type, data, digest, kind.width, kind.height)


def read(element: Element, most: int) -> Photo | None:
    """The photo that a `<PHOTO/>` holds; None for an empty one, or one that is elsewhere (EXTVAL).

    Raises StanzaError as `decoded`.
    """
    text = element.findtext(_BINVAL, "")
    return decoded(text, most) if text.strip() else None


def _too_large() -> StanzaError:
    return StanzaError("policy-violation", "the photo is too large", reason="limit.photo")
