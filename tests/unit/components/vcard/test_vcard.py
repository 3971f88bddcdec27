"""What may be set (XEP-0054), and what is kept of it."""

from xml.etree.ElementTree import fromstring

import pytest

from components.common.tree import written
from components.vcard import vcard
from components.vcard.vcard import Limits, checked
from tests.support.vcards import PUBLIC, base64, photo, picture, png
from tests.support.vcards import vcard as made
from xmppd.errors import StanzaError

LIMITS = Limits(vcard=10_000, photo=1_000)


def refused(element):
    with pytest.raises(StanzaError) as caught:
        checked(element, LIMITS)
    return caught.value.condition, caught.value.reason


def test_everything_that_its_owner_put_into_it_is_kept():
    """Names unknown to vcard-temp, too, and the attribute of XEP-0054 §8."""
    inner = (
        "<FN>Juliet Capulet</FN><X-BALCONY xml:lang='it'>sì</X-BALCONY><lower/>"
        "<other xmlns='urn:other' a='1'><x/>text</other>"
    )
    element = made(inner)
    element.set("version", "3.0")
    kept = checked(element, LIMITS)
    assert kept.encoded == f"<vCard xmlns='vcard-temp' version='3.0'>{inner}</vCard>".encode()
    assert (kept.photo, kept.listing) == (None, None)


def test_an_empty_one_says_that_there_is_none():
    """XEP-0054 §3.1: no vCard and an empty one are the same to whoever asks."""
    assert checked(made(), LIMITS) is None
    assert checked(made("\n  "), LIMITS) is None


@pytest.mark.parametrize(
    "text",
    ["<vCard/>", "<VCARD xmlns='vcard-temp'><FN/></VCARD>", "<vCard xmlns='vcard-temp:x'/>"],
)
def test_something_else_is_no_vcard(text):
    """XEP-0054 §8: names are case-sensitive."""
    assert refused(fromstring(text)) == ("bad-request", "vcard.malformed")


def test_a_vcard_may_have_as_many_octets_as_the_limit_says():
    room = LIMITS.vcard - len(written(made("<NOTE>.</NOTE>"))) + 1
    assert len(checked(made(f"<NOTE>{'x' * room}</NOTE>"), LIMITS).encoded) == LIMITS.vcard
    assert refused(made(f"<NOTE>{'x' * (room + 1)}</NOTE>")) == ("policy-violation", "limit.vcard")


def test_few_octets_that_would_become_many_are_refused():
    tree = fromstring(f"<vCard xmlns='vcard-temp' xmlns:a='{'x' * 900}'>{'<a:b/>' * 500}</vCard>")
    assert refused(tree) == ("policy-violation", "limit.vcard")


@pytest.mark.parametrize(("each", "many"), [("<a/>", 1_998), ("<a b=''/>", 999)])
def test_a_vcard_may_have_so_many_elements_and_attributes(each, many):
    """However few octets they take: who gets it has the server read all of them."""
    limits = Limits()
    assert checked(made(f"<FN>{each * many}</FN>"), limits) is not None
    with pytest.raises(StanzaError) as caught:
        checked(made(f"<FN>{each * (many + 1)}</FN>"), limits)
    assert (caught.value.condition, caught.value.reason) == ("policy-violation", "limit.vcard")


def test_a_photo_is_written_anew_in_its_place():
    lying = f"<PHOTO><TYPE>image/gif</TYPE><BINVAL>\n{base64(png())}\n</BINVAL><JUNK/></PHOTO>"
    kept = checked(made(f"<FN>J</FN>{lying}<URL>u</URL>"), LIMITS)
    assert kept.encoded == written(made(f"<FN>J</FN>{picture()}<URL>u</URL>"))
    assert kept.photo == photo()


def test_the_first_photo_is_the_one_and_each_is_checked():
    empty, second = "<PHOTO><BINVAL/></PHOTO>", picture(png(filling=b"2"))
    kept = checked(made(empty + picture() + second), LIMITS)
    assert kept.encoded == written(made(empty + picture() + second))
    assert kept.photo == photo()
    assert refused(made(picture() + picture(b"GIF"))) == ("not-acceptable", "vcard.photo")


def test_the_element_that_came_is_left_as_it_was():
    element = made(picture(type_="image/x"))
    before = written(element)
    checked(element, LIMITS)
    vcard.with_photo(element, photo(b"new"))
    assert written(element) == before


def test_a_photo_takes_the_place_of_all_that_there_are():
    element = made(f"{picture()}<FN>J</FN>{picture()}")
    new = vcard.with_photo(element, photo(b"new"))
    assert written(new) == written(made(f"<FN>J</FN>{picture(png(filling=b'new'))}"))
    assert written(vcard.with_photo(new, None)) == written(made("<FN>J</FN>"))


def test_who_makes_it_public_is_listed():
    assert checked(made(f"<FN>Juliet</FN>{PUBLIC}"), LIMITS).listing.shown == {"fn": "Juliet"}
