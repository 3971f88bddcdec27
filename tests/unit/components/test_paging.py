"""Pages of results as they are asked for and told (XEP-0059)."""

from xml.etree.ElementTree import canonicalize, fromstring, tostring

import pytest

from components.common.build import Tag
from components.common.paging import Found, Page, asked, told
from xmppd.errors import StanzaError


def written(said):
    xml = said.render().decode() if isinstance(said, Tag) else tostring(said, "unicode")
    return canonicalize(xml, rewrite_prefixes=True)


def set_(inner):
    return fromstring(f"<set xmlns='http://jabber.org/protocol/rsm'>{inner}</set>")


@pytest.mark.parametrize(
    ("inner", "page"),
    [
        ("", Page(40)),
        ("<max>10</max>", Page(10)),
        ("<max> 10 </max>", Page(10)),
        ("<max>41</max>", Page(40)),
        (f"<max>{'9' * 100_000}</max>", Page(40)),
        ("<max>0</max>", Page(0)),
        ("<max>10</max><after>x</after>", Page(10, after="x")),
        ("<after/>", Page(40)),
        ("<before>x</before>", Page(40, before="x")),
        ("<before/><max>5</max>", Page(5, before="")),
        ("<index>371</index>", Page(40, index=371)),
        (f"<index>{'9' * 20}</index>", Page(40, index=10**9)),
    ],
)
def test_a_page_is_asked_for(inner, page):
    assert asked(set_(inner), 40) == page


def test_who_asks_for_no_page_gets_the_first():
    assert asked(None, 40) == Page(40)


@pytest.mark.parametrize(
    "inner",
    [
        "<max/>",
        "<max>-1</max>",
        "<max>1.5</max>",
        "<max>٣</max>",
        "<max>1_0</max>",
        "<index>-1</index>",
        "<index>x</index>",
        "<after>x</after><before/>",
        "<index>1</index><after>x</after>",
    ],
)
def test_what_is_no_page_is_refused(inner):
    with pytest.raises(StanzaError) as caught:
        asked(set_(inner), 40)
    assert caught.value.condition == "bad-request"


def test_a_page_tells_its_ends_and_how_many_there_are():
    """XEP-0059 §2.2."""
    assert written(told(Found(["a", "b"], 10, 800), str.upper)) == written(
        set_("<first index='10'>A</first><last>B</last><count>800</count>")
    )


def test_a_page_of_one_item_has_it_at_both_ends():
    """XEP-0059 §2.2: then they MUST be the same."""
    assert written(told(Found(["a"], 0, 1), str)) == written(
        set_("<first index='0'>a</first><last>a</last><count>1</count>")
    )


def test_what_is_not_known_of_a_page_is_not_told():
    """XEP-0059 §2.2: index and count MAY be omitted, as archives do (XEP-0313 §4.3)."""
    assert written(told(Found(["a", "b"]), str)) == written(set_("<first>a</first><last>b</last>"))
    assert written(told(Found([], count=0), str)) == written(set_("<count>0</count>"))
    assert written(told(Found([]), str)) == written(set_(""))


def test_an_empty_page_has_no_ends():
    """XEP-0059 §2.2: then they MUST NOT be included."""
    assert written(told(Found([], 0, 790), str)) == written(set_("<count>790</count>"))
