"""vCards and images for tests of the vCard component."""

from __future__ import annotations

from base64 import b64encode
from struct import pack
from xml.etree.ElementTree import Element, fromstring

from components.vcard.photo import Photo, decoded

JULIET, ROMEO, NURSE = (f"{name}@verona.example" for name in ("juliet", "romeo", "nurse"))


def png(width: int = 64, height: int = 32, filling: bytes = b"") -> bytes:
    """What begins like a PNG; `filling` tells images apart."""
    head = pack(">I4sII", 13, b"IHDR", width, height)
    return b"\x89PNG\r\n\x1a\n" + head + filling


def photo(filling: bytes = b"") -> Photo:
    return decoded(base64(png(filling=filling)), 1_000_000)


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def picture(data: bytes | None = None, type_: str = "image/png") -> str:
    """`<PHOTO/>` as a client writes it."""
    text = base64(png() if data is None else data)
    return f"<PHOTO><TYPE>{type_}</TYPE><BINVAL>{text}</BINVAL></PHOTO>"


PUBLIC = "<CLASS><PUBLIC/></CLASS>"


def vcard(inner: str = "") -> Element:
    return fromstring(f"<vCard xmlns='vcard-temp'>{inner}</vCard>")


def person(
    given: str, family: str, nick: str = "", email: str = "", more: str = "", listed: bool = True
) -> Element:
    """The vCard of somebody, who is in the directory if `listed`."""
    return vcard(
        f"<N><GIVEN>{given}</GIVEN><FAMILY>{family}</FAMILY></N><NICKNAME>{nick}</NICKNAME>"
        f"<EMAIL><USERID>{email}</USERID></EMAIL>{more}{PUBLIC if listed else ''}"
    )


def xcard(inner: str = "") -> Element:
    return fromstring(f"<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'>{inner}</vcard>")
