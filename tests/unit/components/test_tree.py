"""Elements written as bytes (Namespaces in XML): what is read back is what was written."""

from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.common import tree

TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("&<>'\"\t\n\r"),
    max_size=8,
)
NAMES = st.sampled_from(["FN", "{vcard-temp}FN", "{urn:x'&}n", "{vcard-temp}GIVEN"])
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["version", "{urn:x}type", "{http://www.w3.org/XML/1998/namespace}lang"]),
    TEXTS,
    max_size=3,
)


@st.composite
def made(draw, children=()):
    element = Element(draw(NAMES), draw(ATTRIBUTES))
    element.text = draw(TEXTS)
    for child in children:
        child.tail = draw(TEXTS)
        element.append(child)
    return element


TREES = st.recursive(made(), lambda trees: st.lists(trees, max_size=3).flatmap(made), max_leaves=8)


def facts(element):
    return (
        element.tag,
        dict(element.attrib),
        element.text or "",
        [(facts(each), each.tail or "") for each in element],
    )


@given(TREES)
def test_what_is_read_back_is_what_was_written(root):
    assert facts(fromstring(tree.written(root))) == facts(root)


@given(TREES)
def test_it_is_written_the_same_once_it_was_read_back(root):
    once = tree.written(root)
    assert tree.written(fromstring(once)) == once


def test_a_namespace_is_declared_once_as_the_default_one():
    root = tree.element("vcard-temp", "vCard")
    tree.child(tree.child(root, "N"), "GIVEN", "Juliet")
    assert tree.written(root) == (b"<vCard xmlns='vcard-temp'><N><GIVEN>Juliet</GIVEN></N></vCard>")


def test_what_stands_behind_an_element_is_left_out():
    root = fromstring("<a><b/>Ay me!</a>")
    assert tree.written(root[0]) == b"<b/>"


def test_few_octets_that_mean_many_are_stopped_in_time():
    """Each use of a prefix becomes a declaration of its namespace."""
    uri = "urn:" + "x" * 10_000
    vcard = fromstring(f"<vCard xmlns='vcard-temp' xmlns:a='{uri}'>{'<a:b/>' * 10_000}</vCard>")
    with pytest.raises(tree.TooLong):
        tree.written(vcard, most=200_000)


def test_the_bound_is_in_octets():
    made = tree.element("vcard-temp", "FN", "Jülïét" * 10)
    length = len(tree.written(made))
    assert tree.written(made, most=length) == tree.written(made)
    for less in (length - 1, length - 30, 0):
        with pytest.raises(tree.TooLong):
            tree.written(made, most=less)


def test_nothing_is_too_deep():
    root = deepest = Element("a")
    for _ in range(20_000):
        deepest.append(deepest := Element("a"))
    assert tree.written(root).startswith(b"<a><a><a>")


@pytest.mark.parametrize("text", ["\0", "\x1b", "\ud800", "\uffff"])
def test_what_is_no_character_of_xml_is_never_written(text):
    with pytest.raises(ValueError, match="can't be written"):
        tree.written(tree.element("vcard-temp", "FN", text))
    with pytest.raises(ValueError, match="can't be written"):
        tree.written(tree.element("vcard-temp", "FN", attributes={"a": text}))


def test_elements_and_attributes_are_counted():
    root = fromstring("<a b='' c=''><d/>text<d e=''>\n</d></a>")
    assert tree.count(root) == tree.count_written(tree.written(root)) == 6


def test_of_what_is_written_declarations_are_counted_too():
    root = fromstring("<a xmlns='urn:x'><b xmlns='urn:y'/><c xmlns:p='urn:y' p:d=''/></a>")
    assert (tree.count(root), tree.count_written(tree.written(root))) == (4, 7)


@given(TREES)
def test_of_what_is_written_no_fewer_are_counted(root):
    assert tree.count_written(tree.written(root)) >= tree.count(root)


@given(TREES)
def test_roughly_are_no_fewer_than_there_are(root):
    written = tree.written(root)
    assert tree.count_roughly(written) >= tree.count_written(written)


def test_text_is_counted_only_where_it_looks_like_attributes():
    assert tree.count_written(tree.written(tree.element("", "a", '</b> <c/> d=""'))) == 1
    assert tree.count_written(tree.written(tree.element("", "a", "d=''"))) == 2
