"""JID Escaping (XEP-0106)."""

import pytest

from xmppd.jid import JIDError, escape_local, prepare_local, unescape_local

# The table of XEP-0106 §5.1, then the examples of §4.3 and §5.2 to §5.7.
ESCAPES = [
    ("space cadet", r"space\20cadet"),
    ('call me "ishmael"', r"call\20me\20\22ishmael\22"),
    ("at&t guy", r"at\26t\20guy"),
    ("d'artagnan", r"d\27artagnan"),
    ("/.fanboy", r"\2f.fanboy"),
    ("::foo::", r"\3a\3afoo\3a\3a"),
    ("<foo>", r"\3cfoo\3e"),
    ("user@host", r"user\40host"),
    (r"c:\net", r"c\3a\net"),
    (r"c:\\net", r"c\3a\\net"),
    (r"c:\cool stuff", r"c\3a\cool\20stuff"),
    (r"c:\5commas", r"c\3a\5c5commas"),
    (r"\2plus\2is\4", r"\2plus\2is\4"),
    (r"foo\bar", r"foo\bar"),
    (r"foob\41r", r"foob\41r"),
    ("here's_a_wild_&_/cr%zy/_address", r"here\27s_a_wild_\26_\2fcr%zy\2f_address"),
    (
        'here\'s_a_wild_&_/cr%zy/_address_for:<wv>("IMPS")',
        r"here\27s_a_wild_\26_\2fcr%zy\2f_address_for\3a\3cwv\3e(\22IMPS\22)",
    ),
    (r"\3and\2is\5cool", r"\5c3and\2is\5c5cool"),
    (
        r"CN=D'Artagnan Saint-Andr\E9,O=Example & Company, Inc.,DC=example,DC=com",
        r"CN=D\27Artagnan\20Saint-Andr\E9,O=Example\20\26\20Company,\20Inc.,DC=example,DC=com",
    ),
    (r"""somenick!user"&'/:<>\3address""", r"somenick!user\22\26\27\2f\3a\3c\3e\5c3address"),
    ("", ""),
]


@pytest.mark.parametrize(("plain", "escaped"), ESCAPES)
def test_escaping_follows_the_examples(plain, escaped):
    """XEP-0106 §3.2, §3.3, §4.3, §5."""
    assert escape_local(plain) == escaped
    assert unescape_local(escaped) == plain


@pytest.mark.parametrize("code", ["20", "22", "26", "27", "2f", "3a", "3c", "3e", "40", "5c"])
def test_what_reads_as_an_escape_gets_its_backslash_escaped(code):
    """XEP-0106 §4.1 rule 7."""
    assert escape_local(f"a\\{code}b") == f"a\\5c{code}b"
    assert unescape_local(f"a\\5c{code}b") == f"a\\{code}b"


@pytest.mark.parametrize("text", [" romeo", "romeo ", " ", "  "])
def test_no_escaped_space_at_either_end(text):
    """XEP-0106 §4.1 rule 6."""
    with pytest.raises(JIDError, match="space"):
        escape_local(text)


def test_an_outer_escaped_space_is_shown_as_it_is():
    r"""XEP-0106 §4.1 rule 6: `\20` is no escape there."""
    assert unescape_local(r"\20romeo\20montague\20") == r"\20romeo montague\20"
    assert unescape_local(r"\20") == r"\20"


def test_upper_case_hex_can_not_become_an_escape_by_preparation():
    """XEP-0106 §7: two source addresses must not meet in one JID."""
    wire = prepare_local(escape_local(r"verona\2Fwall"))
    assert unescape_local(wire) == r"verona\2fwall"
    assert unescape_local(r"verona\2Fwall") == r"verona\2Fwall"
