"""Avatars of PEP and photos of vCards (XEP-0084, XEP-0398), and the hash in presence (XEP-0153)."""

from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.common.tree import written
from components.vcard import avatar, avatar_update
from components.vcard.photo import decoded
from tests.support.vcards import base64, photo, png
from xmppd.errors import StanzaError

HASH = photo().hash
MOST = 10_000


def metadata(inner):
    return fromstring(f"<metadata xmlns='urn:xmpp:avatar:metadata'>{inner}</metadata>")


def data(text):
    return fromstring(f"<data xmlns='urn:xmpp:avatar:data'>{text}</data>")


def parsed(tag):
    return fromstring(tag.render())


def info(id_=HASH, more=""):
    return f"<info id='{id_}' bytes='1' type='image/png'{more}/>"


def refused(function, *args):
    with pytest.raises(StanzaError) as caught:
        function(*args)
    return caught.value.condition, caught.value.reason


@given(st.binary(max_size=100))
def test_a_photo_published_is_the_photo_that_is_read(filling):
    image = photo(filling)
    item = avatar.chosen(parsed(avatar.metadata(image)))
    assert item == image.hash
    assert avatar.read(parsed(avatar.data(image)), item, MOST) == image


def test_metadata_say_what_the_image_is():
    """XEP-0084 §4.2.1."""
    image = decoded(base64(png(64, 32)), MOST)
    (told,) = parsed(avatar.metadata(image))
    assert dict(told.attrib) == {
        "bytes": str(len(png())),
        "id": HASH,
        "type": "image/png",
        "width": "64",
        "height": "32",
    }


def test_a_size_that_is_not_known_is_not_told():
    (told,) = parsed(avatar.metadata(decoded(base64(b"\xff\xd8\xff\xe0"), MOST)))
    assert set(told.attrib) == {"bytes", "id", "type"}


def test_no_avatar_is_empty_metadata():
    """XEP-0084 §3.5."""
    assert avatar.metadata(None).render() == written(metadata(""))
    assert avatar.chosen(metadata("")) is None


def test_the_image_that_is_not_at_a_url_is_chosen():
    """XEP-0398 §3.1."""
    elsewhere = info("f" * 40, " url='https://avatars.example/a.png'")
    assert avatar.chosen(metadata(elsewhere + info() + info("e" * 40))) == HASH
    assert avatar.chosen(metadata(elsewhere)) is None
    assert avatar.chosen(metadata(f"<info xmlns='urn:x' id='{HASH}'/>")) is None


@pytest.mark.parametrize("id_", ["", "x" * 40, HASH + "\n ", "../../etc/passwd", HASH[1:]])
def test_an_id_that_is_no_hash_is_refused(id_):
    assert refused(avatar.chosen, metadata(info(id_))) == ("bad-request", "vcard.avatar")


def test_data_whose_hash_is_not_the_id_are_refused():
    """XEP-0398 §3.1."""
    other = data(base64(png(filling=b"other")))
    assert refused(avatar.read, other, HASH, MOST) == ("not-acceptable", "vcard.avatar")
    assert avatar.read(data(base64(png())), HASH.upper(), MOST).hash == HASH


def test_data_that_are_no_image_are_refused():
    assert refused(avatar.read, data("!"), HASH, MOST) == ("bad-request", "vcard.photo")
    assert refused(avatar.read, data(""), HASH, MOST) == ("not-acceptable", "vcard.photo")
    assert refused(avatar.read, data("A" * MOST * 2), HASH, MOST)[1] == "limit.photo"


def test_something_else_is_no_avatar():
    assert refused(avatar.chosen, data("")) == ("bad-request", "vcard.avatar")
    assert refused(avatar.read, metadata(""), HASH, MOST) == ("bad-request", "vcard.avatar")


def test_line_feeds_in_data_do_not_count():
    """XEP-0084 §4.1: they MUST be accepted."""
    assert avatar.read(data("\n".join(base64(png()))), HASH, MOST) == photo()


def test_presence_tells_the_hash_or_that_there_is_none():
    """XEP-0153 §4.1."""
    assert avatar_update.update(HASH) == (
        f"<x xmlns='vcard-temp:x:update'><photo>{HASH}</photo></x>".encode()
    )
    assert avatar_update.update("") == b"<x xmlns='vcard-temp:x:update'><photo/></x>"
