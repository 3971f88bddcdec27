"""The photo of a vCard (XEP-0153 §4.5, §4.6, XEP-0054 §9)."""

from hashlib import sha1
from xml.etree.ElementTree import fromstring

import pytest

from components.vcard import photo
from tests.support.vcards import base64, picture, png
from xmppd.errors import StanzaError

MOST = 1_000


def read(inner):
    return photo.read(fromstring(f"<PHOTO xmlns='vcard-temp'>{inner}</PHOTO>"), MOST)


def refused(text):
    with pytest.raises(StanzaError) as caught:
        photo.decoded(text, MOST)
    return caught.value.condition, caught.value.reason


def test_the_hash_is_that_of_the_image_not_of_its_base64():
    """XEP-0153 §3.1: as hexadecimal digits, of lower case as everybody has them."""
    assert photo.decoded(base64(png()), MOST).hash == sha1(png()).hexdigest()


def test_blanks_in_base64_do_not_count():
    """XEP-0153 §4.6: any whitespace characters MUST be ignored."""
    text = "\r\n\t".join(base64(png())) + "\n  "
    assert photo.decoded(text, MOST).data == png()


def test_what_the_sender_says_it_were_does_not_matter():
    """XEP-0153 §5."""
    assert read(f"<TYPE>text/html</TYPE><BINVAL>{base64(png())}</BINVAL>").type == "image/png"
    assert read(f"<BINVAL>{base64(png())}</BINVAL>").type == "image/png"


@pytest.mark.parametrize(
    "inner",
    [
        "",
        "<TYPE/><BINVAL/>",
        "<BINVAL> \n </BINVAL>",
        "<EXTVAL>https://verona.example/juliet.png</EXTVAL>",
    ],
)
def test_an_empty_photo_and_one_that_is_elsewhere_are_none(inner):
    assert read(inner) is None


@pytest.mark.parametrize(
    "text",
    ["!", "iVBO Rw0K Gg=", "iVBORw0KGgo=iVBO", "=iVB", "iVB", "iVBORw0KGgé=", "iVBORw0K\0", "-_-_"],
)
def test_what_is_no_base64_is_refused(text):
    assert refused(text) == ("bad-request", "vcard.photo")


def test_what_is_no_image_is_refused():
    assert refused(base64(b"<svg onload='alert(1)'/>")) == ("not-acceptable", "vcard.photo")


def test_an_image_may_have_as_many_octets_as_the_limit_says():
    fits = png(filling=b"x" * (MOST - len(png())))
    assert photo.decoded(base64(fits), MOST).data == fits
    assert refused(base64(fits + b"x")) == ("policy-violation", "limit.photo")
    assert refused("A" * 10_000_000) == ("policy-violation", "limit.photo")


def test_it_is_written_with_the_type_that_it_has_and_without_blanks():
    written = photo.decoded("\n".join(base64(png())), MOST).element()
    texts = {each.tag: each.text for each in written}
    assert texts == {each.tag: each.text for each in fromstring(in_namespace(picture()))}


def in_namespace(text):
    return text.replace("<PHOTO>", "<PHOTO xmlns='vcard-temp'>")
