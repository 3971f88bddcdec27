"""Pages of results as they are asked for and told (XEP-0059)."""

from xml.etree.ElementTree import fromstring

import pytest

from components.common.markup import written
from components.common.paging import Found, Page, asked, told
from xmppd.errors import StanzaError


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
    assert written(told(Found(["a", "b"], 10, 800), "a", "b")) == written(
        set_("<first index='10'>a</first><last>b</last><count>800</count>")
    )


def test_an_empty_page_has_no_ends():
    """XEP-0059 §2.2: then they MUST NOT be included."""
    assert written(told(Found([], 0, 790), "", "")) == written(set_("<count>790</count>"))
