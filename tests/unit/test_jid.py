"""Addresses: parsing, preparation, domains, the cache, and JID escaping."""

import copy
import gc
import pickle

import pytest

from xmppd import jid as jid_module
from xmppd.jid import (
    JID,
    JIDError,
    prepare_local,
    prepare_resource,
)


@pytest.fixture(autouse=True)
def fresh_cache(monkeypatch):
    """Give each test a cache of its own."""
    monkeypatch.setattr(jid_module, "_recent", jid_module._Recent())


@pytest.mark.parametrize(
    ("text", "local", "domain", "resource"),
    [
        ("montague.lit", "", "montague.lit", ""),
        ("romeo@montague.lit", "romeo", "montague.lit", ""),
        ("montague.lit/garden", "", "montague.lit", "garden"),
        ("romeo@montague.lit/garden", "romeo", "montague.lit", "garden"),
        ("romeo@montague.lit/garden/wall", "romeo", "montague.lit", "garden/wall"),
        ("montague.lit/juliet@capulet.lit", "", "montague.lit", "juliet@capulet.lit"),
        ("romeo@montague.lit/ by the wall ", "romeo", "montague.lit", " by the wall "),
        ("romeo@127.0.0.1", "romeo", "127.0.0.1", ""),
        ("romeo@[::1]/garden", "romeo", "[::1]", "garden"),
        ("localhost", "", "localhost", ""),
        ("!#$%()*+,-.;=?[\\]^_`{|}~@montague.lit", "!#$%()*+,-.;=?[\\]^_`{|}~", "montague.lit", ""),
    ],
)
def test_splits_at_first_slash_then_first_at(text, local, domain, resource):
    """RFC 6122 §2.1; the steps of RFC 7622 §3.2."""
    jid = JID.parse(text)
    assert (jid.local, jid.domain, jid.resource) == (local, domain, resource)
    assert jid == text
    assert JID.of(local, domain, resource) == jid


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Romeo@Montague.LIT/Garden", "romeo@montague.lit/Garden"),
        ("romeo@montague.lit.", "romeo@montague.lit"),
        ("romeo@montague.lit。/garden", "romeo@montague.lit/garden"),
        ("romeo@montague。lit", "romeo@montague.lit"),
        ("ROMÉO@montague.lit", "roméo@montague.lit"),
        ("ro\u00admeo@montague.lit", "romeo@montague.lit"),  # a soft hyphen maps to nothing
        ("\uff52omeo@montague.lit", "romeo@montague.lit"),  # fullwidth r
        ("Straße@montague.lit", "strasse@montague.lit"),
        ("romeo@montague.lit/\u2168", "romeo@montague.lit/IX"),
        ("romeo@[0:0:0:0:0:0:0:1]", "romeo@[::1]"),
        ("romeo@[2001:DB8::A]", "romeo@[2001:db8::a]"),
    ],
)
def test_prepares_each_part(text, normal):
    """RFC 6122 §2.2 to §2.4, appendices A and B."""
    assert JID.parse(text) == normal


@pytest.mark.parametrize(
    ("resource", "normal"),
    [
        ("\U0001f339", "\U0001f339"),  # an emoji, Unicode 6.0
        ("Gajim \U0001f469\u200d\U0001f680", "Gajim \U0001f469\U0001f680"),  # joiners go
        ("\u2764\ufe0f", "\u2764"),  # and so does what asks for colors
        ("\U0001f1ee\U0001f1f9", "\U0001f1ee\U0001f1f9"),  # a flag
        ("\u20b9\u1e9e\ua7ae", "\u20b9\u1e9e\ua7ae"),  # a rupee sign, newer letters
        ("\U0001f600\u2168", "\U0001f600IX"),
    ],
)
def test_a_resource_may_have_characters_newer_than_unicode_3_2(resource, normal):
    """RFC 3454 §7, queries; what is no sign to be seen is refused below."""
    assert prepare_resource(resource) == normal
    assert prepare_resource(normal) == normal


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "domain part is empty"),
        ("@", "local part is empty"),
        ("@montague.lit", "local part is empty"),
        ("romeo@", "domain part is empty"),
        ("montague.lit/", "resource part is empty"),
        ("/garden", "domain part is empty"),
        ("romeo@/garden", "domain part is empty"),
        ("@/", "local part is empty"),
        ("romeo@juliet@montague.lit", "domain part"),
        ("ro meo@montague.lit", "local part"),
        ("ro'meo@montague.lit", "local part"),
        ("ro&meo@montague.lit", "local part"),
        ("ro\uff20meo@montague.lit", "local part"),  # NFKC makes it an at-sign
        ("ro\x7fmeo@montague.lit", "local part"),
        ("ro\u0627meo@montague.lit", "local part"),  # RFC 3454 §6: mixed directions
        ("\u200b@montague.lit", "local part is empty"),  # maps to nothing
        ("\U0001f339@montague.lit", "local part"),  # assigned after Unicode 3.2
        ("romeo@montague.lit/\u2066", "resource part"),  # a newer format character
        ("romeo@montague.lit/\u061c", "resource part"),
        ("romeo@montague.lit/rose\U000e0100", "resource part"),  # a newer variation selector
        ("romeo@montague.lit/\u180f", "resource part"),
        ("romeo@montague.lit/\U0001fbff", "resource part"),  # assigned by no Unicode yet
        ("romeo@montague.lit/\U000f0000", "resource part"),  # private use
        ("romeo@montague.lit/\U0001fffe", "resource part"),  # a noncharacter
        ("romeo@montague.lit/gar\nden", "resource part"),
        ("romeo@montague.lit/\ue000", "resource part"),
        ("romeo@montague.lit/\ufffe", "resource part"),
        ("ro\ud800meo@montague.lit", "local part has a lone surrogate"),
        ("romeo@mont\udfffague.lit", "domain part has a lone surrogate"),
        ("romeo@montague.lit/\ud800", "resource part has a lone surrogate"),
        ("romeo@montague_hall.lit", "domain part"),
        ("romeo@-montague.lit", "domain part"),
        ("romeo@montague-.lit", "domain part"),
        ("romeo@montague..lit", "domain part has an empty label"),
        ("romeo@montague.lit..", "domain part has an empty label"),
        ("romeo@.", "domain part has an empty label"),
        ("romeo@.montague.lit", "domain part has an empty label"),
        ("romeo@\u200b.lit", "domain part"),
        ("romeo@montague.lit:5222", "domain part"),
        ("romeo@mont\uff0fague.lit", "domain part"),  # NFKC makes it a slash
        ("romeo@\u2665.lit", "domain part has a label that IDNA does not allow"),
        ("romeo@xn--.lit", "domain part"),
        ("romeo@xn--a.lit", "domain part has a label that IDNA does not allow"),
        ("romeo@[::1", "domain part is no IPv6"),
        ("romeo@[", "domain part is no IPv6"),
        ("romeo@[]", "domain part is no IPv6"),
        ("romeo@[::1%eth0]", "domain part is no IPv6"),
        ("romeo@[127.0.0.1]", "domain part is no IPv6"),
        ("romeo@::1", "domain part"),
    ],
)
def test_refuses_and_names_the_part(text, part):
    """RFC 6122 §2: what is no address, and which part says so."""
    with pytest.raises(JIDError) as caught:
        JID.parse(text)
    assert part in caught.value.problem


@pytest.mark.parametrize("letter", ["r", "é", "中"])
def test_local_and_resource_hold_1023_bytes(letter):
    """RFC 6122 §2.3, §2.4: bytes of UTF-8, not characters."""
    fits = letter * (1023 // len(letter.encode()))
    assert JID.of(fits, "montague.lit", fits) == f"{fits}@montague.lit/{fits}"
    with pytest.raises(JIDError, match="local part is longer"):
        JID.parse(f"{fits}{letter}@montague.lit")
    with pytest.raises(JIDError, match="resource part is longer"):
        JID.parse(f"montague.lit/{fits}{letter}")


def test_a_part_may_not_grow_past_the_limit_by_preparation():
    """U+FDFA becomes eighteen characters under NFKC."""
    with pytest.raises(JIDError, match="resource part is longer"):
        prepare_resource("\ufdfa" * 60)
    with pytest.raises(JIDError, match="local part is longer"):
        prepare_local("\u0390" * 300 + "\u00bd" * 400)


def test_length_is_checked_before_any_preparation(monkeypatch):
    """A text too long to be an address costs nothing."""
    monkeypatch.setattr(jid_module, "_nodeprep", None)
    with pytest.raises(JIDError, match="address is longer"):
        JID.parse("é" * 3072)
    with pytest.raises(JIDError, match="local part is longer"):
        JID.parse("é" * 600 + "@montague.lit")


# --- domains ----------------------------------------------------------------------------------


# --- the object -------------------------------------------------------------------------------


def test_is_its_text_in_dictionaries_and_comparisons():
    jid = JID.parse("Romeo@montague.lit/garden")
    assert {jid: 1}["romeo@montague.lit/garden"] == 1
    assert {"romeo@montague.lit/garden": 1}[jid] == 1
    assert hash(jid) == hash("romeo@montague.lit/garden")
    assert type(str(jid)) is str


def test_bare_is_shared_by_the_resources_and_holds_no_cycle():
    garden = JID.parse("romeo@montague.lit/garden")
    wall = JID.parse("romeo@montague.lit/wall")
    assert garden.bare is wall.bare
    assert garden.bare == "romeo@montague.lit"
    assert garden.bare.bare is garden.bare
    assert (garden.is_bare, garden.bare.is_bare) == (False, True)
    assert not any(held is garden.bare for held in gc.get_referents(garden.bare))


def test_with_resource_prepares_and_replaces():
    bare = JID.parse("romeo@montague.lit")
    garden = bare.with_resource("\u2168 gardens")
    assert garden == "romeo@montague.lit/IX gardens"
    assert garden.with_resource("wall") == "romeo@montague.lit/wall"
    assert garden.with_resource("wall").bare is bare
    with pytest.raises(JIDError, match="resource part is empty"):
        garden.with_resource("")


def test_of_prepares_and_never_splits():
    assert JID.of("Romeo", "Montague.LIT", "a/b@c") == "romeo@montague.lit/a/b@c"
    assert JID.of("", "montague.lit").is_bare
    for local, domain in [("ro@meo", "montague.lit"), ("romeo", "mont/ague"), ("romeo", "")]:
        with pytest.raises(JIDError):
            JID.of(local, domain)


def test_attr_is_escaped_for_single_quotes():
    """XML 1.0 §2.3: AttValue."""
    assert JID.parse("romeo@montague.lit").attr == b"romeo@montague.lit"
    jid = JID.parse('roméo@montague.lit/<R&J\'s "balcony">')
    assert jid.attr == 'roméo@montague.lit/&lt;R&amp;J&apos;s "balcony"&gt;'.encode()


@pytest.mark.parametrize(
    ("character", "escaped"),
    [("&", b"&amp;"), ("<", b"&lt;"), (">", b"&gt;"), ("'", b"&apos;"), ('"', b'"')],
)
def test_attr_escapes_each_character_on_its_own(character, escaped):
    assert JID.parse(f"montague.lit/a{character}b").attr == b"montague.lit/a%bb" % escaped


def test_is_immutable():
    jid = JID.parse("romeo@montague.lit/garden")
    for name in ("local", "domain", "resource", "attr", "bare", "tybalt"):
        with pytest.raises(AttributeError):
            setattr(jid, name, "tybalt")


def test_copies_and_pickles():
    jid = JID.parse("romeo@montague.lit/garden")
    assert copy.copy(jid) is jid
    assert copy.deepcopy([jid])[0] is jid
    again = pickle.loads(pickle.dumps(jid))
    for name in ("local", "domain", "resource", "attr", "bare"):
        assert getattr(again, name) == getattr(jid, name)


# --- the cache --------------------------------------------------------------------------------


def test_parses_a_text_once():
    jid = JID.parse("Romeo@montague.lit/garden")
    assert JID.parse("Romeo@montague.lit/garden") is jid
    assert JID.parse(jid) is jid
    assert JID("Romeo@montague.lit/garden") is jid


def remembered():
    recent = jid_module._recent
    return len(recent) + len(recent.old)


def test_cache_is_bounded_and_keeps_what_is_in_use(monkeypatch):
    monkeypatch.setattr(jid_module, "CACHE_GENERATION", 8)
    juliet = JID.parse("juliet@capulet.lit")
    for n in range(100):
        JID.parse(f"page{n}@verona.lit/{n}")
        assert JID.parse("juliet@capulet.lit") is juliet
        assert remembered() <= 16
    assert "page0@verona.lit" not in jid_module._recent.old


def test_cache_forgets_what_is_not_used(monkeypatch):
    monkeypatch.setattr(jid_module, "CACHE_GENERATION", 8)
    juliet = JID.parse("juliet@capulet.lit")
    for n in range(20):
        JID.parse(f"page{n}@verona.lit")
    assert JID.parse("juliet@capulet.lit") is not juliet


def test_few_long_texts_are_remembered_and_push_out_no_short_ones(monkeypatch):
    """What stands in every stanza of somebody is prepared once, also where that takes long."""
    monkeypatch.setattr(jid_module, "CACHED_LONG", 4)
    fits = "r" * (jid_module.CACHED_TEXT - len("@montague.lit")) + "@montague.lit"
    JID.parse(fits)
    romeo = JID.parse("romeo@montague.lit/" + "\u0416" * 500)
    for n in range(10):
        JID.parse(f"romeo@montague.lit/{n}{'r' * 500}")
        assert JID.parse("romeo@montague.lit/" + "\u0416" * 500) is romeo
        assert len(jid_module._recent.long) <= 4
    assert remembered() == 2


def test_failures_are_not_remembered():
    for text in ("@montague.lit", "romeo@mont ague.lit", "ro meo@montague.lit"):
        with pytest.raises(JIDError):
            JID.parse(text)
    with pytest.raises(JIDError):
        JID.parse("r" * 1_024 + "@montague.lit")
    assert remembered() == len(jid_module._recent.long) == 0
