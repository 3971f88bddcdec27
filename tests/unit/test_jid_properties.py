"""Properties of addresses, over arbitrary text."""

from xml.etree import ElementTree

from hypothesis import assume, given
from hypothesis import strategies as st
from twisted.words.protocols.jabber.xmpp_stringprep import nameprep, nodeprep, resourceprep

from xmppd import domainpart
from xmppd import jid as jid_module
from xmppd.domainpart import domain_to_ascii, prepare_domain
from xmppd.jid import (
    JID,
    JIDError,
    escape_local,
    prepare_local,
    prepare_resource,
    unescape_local,
)

anything = st.characters(exclude_categories=())  # lone surrogates as well
tricky = st.sampled_from(
    "aZ09-.@/:'\"&<>[]\\% \u00df\u00e9\u0301\u0345\u0390\u03c2"
    "\u3002\u0627\u0663\u200d\u1100\u1161\u2168\ufb01"
)
mixed = st.text(tricky | anything)
ascii_text = st.text(st.characters(max_codepoint=0x7F), min_size=1)
hostname = st.text(st.sampled_from("aBz09-."), min_size=1, max_size=80)
fake_label = st.builds("xn--{}".format, st.text(st.sampled_from("abXz019-"), max_size=20))
wild_domain = st.lists(fake_label | st.text(tricky, max_size=20), max_size=4).map(".".join)
wild = st.builds("{}@{}/{}".format, mixed, wild_domain | hostname, mixed) | mixed | wild_domain

# Mostly valid: letters that preparation folds, composes, expands or drops, in one direction.
LEFT_TO_RIGHT = "aZ0\u00c9\u00df\u00e9\u01f0\u0390\u0391\u03c2\u0416\u1e9e\u3042\u4e2d\uac00\uff41"
RIGHT_TO_LEFT = "\u05d0\u05ea\u0627\u0628\u0644"
NEWER = "\U0001f339\u1dc0\U000110b9\U00011099\U000110ba\u20b9\U0001e900\U0001f12b\U0001d7cb"
JOINED = "\u0301\u0308\u0327\u0345\u00ad\u200b\u1161\u11a8\u3099"


def runs(extra):
    """Return a strategy of text that one profile mostly lets pass, with `extra` characters."""
    left = st.text(st.sampled_from(LEFT_TO_RIGHT + JOINED + extra), max_size=20).map("r".__add__)
    return left | st.text(st.sampled_from(RIGHT_TO_LEFT), min_size=1, max_size=20)


def ascii_form(text):
    """Return the label as an A-label by RFC 3492 alone, without preparation."""
    return text if text.isascii() else "xn--" + text.encode("punycode").decode()


letters = st.text(st.sampled_from("aZ0\u00c9\u00e9\u00df\u03c2\u0416\u3042\u4e2d"), max_size=10)
unicode_label = letters.map("r".__add__) | st.text(
    st.sampled_from(RIGHT_TO_LEFT), min_size=1, max_size=10
)
tame_domain = st.lists(
    unicode_label | unicode_label.map(str.lower).map(ascii_form), min_size=1, max_size=3
).map(".".join)
tame = st.builds("{}@{}/{}".format, runs("._\\!"), tame_domain, runs(" &<>'\"@/\u2168\ufb01"))
address = tame | tame.map(lambda text: text.split("/")[0])


def outcome(function, text):
    """Return what the function makes of the text, None where it refuses."""
    try:
        return function(text)
    except (JIDError, UnicodeError, IndexError):
        return None


def parsed(text):
    jid = outcome(JID.parse, text)
    assume(jid is not None)
    return jid


@given(wild | tame)
def test_nothing_but_jid_error_is_raised(text):
    for function in (JID.parse, prepare_local, prepare_domain, prepare_resource, domain_to_ascii):
        try:
            function(text)
        except JIDError as error:
            assert error.problem


@given(address)
def test_parse_is_idempotent(text):
    jid = parsed(text)
    again = jid_module._parse(str(jid))
    assert again == jid
    assert (again.local, again.domain, again.resource) == (jid.local, jid.domain, jid.resource)
    assert again.attr == jid.attr


@given(mixed | runs(" ") | runs(NEWER) | tame_domain)
def test_preparation_of_parts_is_idempotent(text):
    for prepare in (prepare_local, prepare_resource, prepare_domain):
        prepared = outcome(prepare, text)
        if prepared is not None:
            assert prepare(prepared) == prepared


@given(address)
def test_parts_make_the_address_again(text):
    jid = parsed(text)
    again = JID.of(jid.local, jid.domain, jid.resource)
    assert again == jid
    assert again.bare == jid.bare == jid.bare.bare
    assert again.bare == JID.of(jid.local, jid.domain)


@given(address)
def test_attr_reads_back_as_the_address(text):
    jid = parsed(text)
    element = ElementTree.fromstring(b"<presence to='%b'/>" % jid.attr)
    assert element.get("to") == jid
    assert jid.attr.startswith(jid.bare.attr)


@given(ascii_text)
def test_fast_path_of_locals_is_nodeprep(text):
    assert outcome(prepare_local, text) == outcome(nodeprep.prepare, text)


@given(ascii_text)
def test_fast_path_of_resources_is_resourceprep(text):
    assert outcome(prepare_resource, text) == outcome(resourceprep.prepare, text)


def test_fast_paths_agree_on_every_ascii_character():
    for character in map(chr, range(128)):
        for text in (character, f"a{character}b"):
            assert outcome(prepare_local, text) == outcome(nodeprep.prepare, text)
            assert outcome(prepare_resource, text) == outcome(resourceprep.prepare, text)
            assert outcome(prepare_domain, text) == outcome(domainpart._prepare_rare_domain, text)


@given(hostname | ascii_text | wild_domain | tame_domain)
def test_fast_path_of_domains_is_the_rare_path(text):
    assert outcome(prepare_domain, text) == outcome(domainpart._prepare_rare_domain, text)


@given(hostname)
def test_ascii_domains_are_nameprep_with_bounded_labels(text):
    expected = outcome(nameprep.prepare, text)
    if expected is not None:
        expected = expected.removesuffix(".")
        if not expected or any(len(part) > 63 for part in expected.split(".")):
            expected = None
    assert outcome(prepare_domain, text) == expected


@given(tame_domain)
def test_ascii_form_names_the_same_domain(text):
    name = outcome(domain_to_ascii, text)
    assume(name is not None)
    assert name.isascii()
    assert prepare_domain(name) == prepare_domain(text)


@given(st.text(st.sampled_from("\\20256fFacCe@ '&") | anything))
def test_unescape_undoes_escape(text):
    """XEP-0106 §4.1, §4.2."""
    escaped = outcome(escape_local, text)
    assume(escaped is not None)
    assert unescape_local(escaped) == text


@given(st.text(st.sampled_from("\\20256fFacCe@ '&/:<>\""), min_size=1))
def test_escaped_ascii_is_a_local_part_that_keeps_its_meaning(text):
    """XEP-0106 §2: preparation must not make an escape out of what was none."""
    escaped = outcome(escape_local, text)
    assume(escaped is not None)
    assert unescape_local(prepare_local(escaped)) == text.lower()
