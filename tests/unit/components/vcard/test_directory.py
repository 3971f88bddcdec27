"""Contract of `directory.SQLDirectory`, over every backend (XEP-0055, XEP-0059)."""

import pytest

from components.common.paging import Found, Page
from components.vcard.criteria import criterion
from components.vcard.directory import Row
from components.vcard.vcard import Limits, checked
from tests.support.vcards import person
from xmppd.jid import JID

ALL = Page(100)
PEOPLE = {
    "benvolio@montague.example": person("Benvolio", "Montague", "Ben", "ben@montague.example"),
    "juliet@capulet.example": person("Juliet", "Capulet", "Jule, Julie", "100%_sure@x"),
    "romeo@montague.example": person("Romeo", "Montague", "Roméo", "romeo!@x"),
    "tybalt@capulet.example": person("Tybalt", "Capulet", "Prince of Cats", "100x5sure@x"),
    "rosaline@capulet.example": person("Rosaline", "Capulet", listed=False),
}
LISTED = sorted(set(PEOPLE) - {"rosaline@capulet.example"})


@pytest.fixture
def directory(wait, store):
    for owner, element in PEOPLE.items():
        new = checked(element, Limits())
        wait(store.edit(JID.parse(owner), lambda before, new=new: new, now=1595.0))
    return store.directory


@pytest.fixture
def find(wait, directory):
    def find(page=ALL, domain=None, **said):
        criteria = [criterion(field, text) for field, text in said.items()]
        found = wait(directory.search(criteria, page, domain))
        return [row.owner.partition("@")[0] for row in found.items]

    return find


@pytest.fixture
def page(wait, directory):
    def page(most, **where):
        found = wait(directory.search([], Page(most, **where), None))
        return [row.owner for row in found.items], found.index, found.count

    return page


def test_who_matches_is_found_with_what_is_shown(wait, directory):
    found = wait(directory.search([criterion("last", "montague")], ALL, None))
    shown = {
        "first": "Romeo", "last": "Montague", "nick": "Roméo", "email": "romeo!@x",
    }  # fmt: skip
    assert found.items[1] == Row("romeo@montague.example", shown)
    assert (found.index, found.count, len(found.items)) == (0, 2, 2)


def test_a_text_is_found_as_a_whole_by_its_beginning_or_within(find):
    assert find(last="CAPULET") == ["juliet", "tybalt"]
    assert find(last="Capu") == []
    assert find(last="capu*") == ["juliet", "tybalt"]
    assert find(last="apul*") == []
    assert find(last="*apul*") == ["juliet", "tybalt"]
    assert find(nick="prince of cats") == ["tybalt"]


def test_accents_do_not_count(find):
    assert find(nick="romeo") == find(nick="RÔMÉO") == find(nick="romé*") == ["romeo"]


def test_every_value_of_a_field_is_found(find):
    assert find(nick="julie") == find(nick="jule") == ["juliet"]


def test_all_criteria_must_match(find):
    assert find(first="Juliet", last="Capulet") == ["juliet"]
    assert find(first="Juliet", last="Montague") == []
    assert find(first="*o*", last="mont*", email="*@*") == ["benvolio", "romeo"]


def test_a_field_is_not_searched_for_what_another_has(find):
    assert find(first="Capulet") == []


def test_who_is_not_public_is_never_found(find):
    assert find(first="Rosaline") == []
    assert "rosaline" not in find()


def test_what_sql_takes_for_more_is_looked_for_as_it_is(find):
    assert find(email="*100%_*") == ["juliet"]
    assert find(email="100%_*") == ["juliet"]
    assert find(email="*%*") == ["juliet"]
    assert find(email="*_*") == ["juliet"]
    assert find(email="*o!@*") == ["romeo"]
    assert find(email="*!%*") == []
    assert find(email="' OR 1=1 --") == find(email="*\\*") == find(email="*?*") == []


def test_one_domain_may_be_searched(find):
    assert find(domain="montague.example") == ["benvolio", "romeo"]
    assert find(domain="montague.example", last="capulet") == []
    assert find(domain="mantua.example") == []


def test_pages_go_on_where_the_one_before_ended(page):
    """XEP-0059 §2.2."""
    assert page(3) == (LISTED[:3], 0, 4)
    assert page(3, after=LISTED[2]) == (LISTED[3:], 3, 4)
    assert page(3, after=LISTED[3]) == ([], 0, 4)


def test_pages_go_back(page):
    """XEP-0059 §2.3, and §2.5 for the last one."""
    assert page(2, before="") == (LISTED[2:], 2, 4)
    assert page(1, before=LISTED[2]) == (LISTED[1:2], 1, 4)
    assert page(9, before=LISTED[2]) == (LISTED[:2], 0, 4)
    assert page(9, before=LISTED[0]) == ([], 0, 4)


def test_a_page_is_found_by_its_number(page):
    """XEP-0059 §2.6: the index that is told is the one that was asked for."""
    assert page(2, index=1) == (LISTED[1:3], 1, 4)
    assert page(2, index=4) == page(2, index=10**9) == ([], 0, 4)


def test_no_items_are_asked_for_to_have_their_number(page):
    """XEP-0059 §2.7."""
    assert page(0) == ([], 0, 4)


def test_an_item_that_is_gone_is_still_a_place(page):
    """XEP-0059 §2.4: by its order alone."""
    assert page(1, after="k@x.example") == (LISTED[2:3], 2, 4)
    assert page(1, before="k@x.example") == (LISTED[1:2], 1, 4)


@pytest.mark.parametrize("text", ["' OR ''='", "\U0010ffff", "%", "x" * 10_000, "\\", "?"])
def test_a_made_up_place_finds_nothing_else(page, text):
    forward, backward = page(9, after=text), page(9, before=text)
    assert forward[0] == [owner for owner in LISTED if owner > text]
    assert backward[0] == [owner for owner in LISTED if owner < text]


def test_nobody_is_found_in_an_empty_directory(wait, store):
    assert wait(store.directory.search([], ALL, None)) == Found([], 0, 0)
