"""Domains: what is one, its normal form, and the work that a stranger can make of it."""

from contextlib import suppress

import idna
import pytest

from xmppd import domainpart
from xmppd.domainpart import JIDError, domain_to_ascii, prepare_domain
from xmppd.jid import JID


def test_domain_holds_253_characters_and_labels_63():
    """RFC 1035 §2.3.4; RFC 6122 §2.2 has 1023 bytes, which no domain name can reach."""
    fits = ".".join([*["m" * 63] * 3, "m" * 61])
    assert len(fits) == 253
    assert prepare_domain(fits) == fits
    assert prepare_domain(fits + ".") == fits
    with pytest.raises(JIDError, match="domain part has a label longer"):
        prepare_domain("m" * 64 + ".lit")
    with pytest.raises(JIDError, match="domain part is longer"):
        prepare_domain(fits + "m")
    with pytest.raises(JIDError, match="domain part has a label longer"):
        prepare_domain("中" * 60)  # and `xn--` makes it 64
    with pytest.raises(JIDError, match="IDNA"):
        prepare_domain("中" * 58 + "\u4e00")  # more than 63 only as it is encoded


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("j\u00ad" * 50 + ".lit", "j" * 50 + ".lit"),
        (".".join(["\u200b\u2060\ufe0fm"] * 90), ".".join("m" * 90)),
        (".".join(["J\u030c" * 20] * 5), ".".join(["\u01f0" * 20] * 5)),
        (".".join(["\u03aa\u0301"] * 30), ".".join(["\u0390"] * 30)),
        (".".join("a" * 127), ".".join("a" * 127)),
        (".".join(["\u1112\u1161\u11ab"] * 28), ".".join(["\ud55c"] * 28)),
    ],
)
def test_a_long_spelling_of_a_domain_that_is_short_enough_is_none_too_long(text, normal):
    """What Nameprep drops, folds and composes does not count (RFC 3491 §3, §4)."""
    assert prepare_domain(text) == normal


def counted(monkeypatch):
    """Every label that Nameprep and IDNA are asked about from now on."""
    seen = []

    def counting(real):
        def count(label):
            seen.append(label)
            return real(label)

        return count

    monkeypatch.setattr(domainpart, "_nameprep", counting(domainpart._nameprep))
    monkeypatch.setattr(idna, "alabel", counting(idna.alabel))
    monkeypatch.setattr(idna, "ulabel", counting(idna.ulabel))
    return seen


@pytest.mark.parametrize(
    "domain",
    [
        "ü." * 300 + "-",
        "ü." * 20 + "-",
        "ü." * 20 + "-ü",
        "ü." * 20 + "ü\uff0d",
        "ü." * 20 + ".ü",
        "ü." * 20 + "\u200b.ü",
        "ü." * 43 + "ü",
        "a." * 127 + "ü",
        "xn--" + "a" * 1000,
        "ü.xn--" + "a" * 60,
        "ü." + "ä" * 60,
        "ü." + "m" * 64,
    ],
)
def test_what_is_cheaply_refused_is_refused_before_any_label_is_prepared(monkeypatch, domain):
    """A stranger chooses how many labels there are; each takes tens of microseconds."""
    seen = counted(monkeypatch)
    for _ in range(2):
        with pytest.raises(JIDError):
            JID.parse(f"romeo@{domain}")
    assert seen == []


def test_one_label_that_nameprep_refuses_keeps_the_others_from_idna(monkeypatch):
    seen = counted(monkeypatch)
    with pytest.raises(JIDError):
        prepare_domain("ö." * 20 + "ö_ö")
    assert seen == ["ö"] * 20 + ["ö_ö"]


def test_the_work_for_one_address_is_bounded(monkeypatch):
    """Whatever its 1023 bytes are: at most 42 labels that are not ASCII, 237 characters."""
    seen = counted(monkeypatch)
    for domain in ("ë." * 41 + "ë", ".".join(["ë" * 59] * 3 + ["ë" * 52]), "xn--." * 200):
        seen.clear()
        with suppress(JIDError):
            prepare_domain(domain)
        assert len(seen) <= 2 * 42
        assert len("".join(seen)) <= 2 * 237


def test_a_domain_that_was_refused_is_not_looked_at_again(monkeypatch):
    seen = counted(monkeypatch)
    for _ in range(2):
        with pytest.raises(JIDError):
            prepare_domain("ç.\u2665")
    assert seen == ["ç", "\u2665", "ç", "\u2665"]


@pytest.mark.parametrize(
    ("ascii_name", "unicode_name"),
    [
        ("xn--mnchen-3ya.example", "münchen.example"),
        ("XN--MNCHEN-3YA.example", "MÜNCHEN.example"),
        ("xn--e1aybc.xn--p1ai", "тест.рф"),
        ("xn--fiqs8s", "中国"),
        ("xn--4gbrim.example", "موقع.example"),
    ],
)
def test_a_label_and_u_label_are_one_domain(ascii_name, unicode_name):
    """RFC 6122 §2.2: the normal form is the U-label; DNS and TLS get the A-label."""
    jid = JID.parse(f"romeo@{ascii_name}")
    assert jid == JID.parse(f"romeo@{unicode_name}")
    assert jid.domain == unicode_name.lower()
    assert domain_to_ascii(unicode_name) == ascii_name.lower()
    assert domain_to_ascii(ascii_name) == ascii_name.lower()


def test_an_a_label_never_becomes_another_domain():
    """RFC 3490 §4.2: faß.example in IDNA 2008 is not fass.example."""
    assert prepare_domain("xn--fa-hia.example") == "xn--fa-hia.example"
    assert domain_to_ascii("xn--fa-hia.example") == "xn--fa-hia.example"
    assert prepare_domain("faß.example") == "fass.example"


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("Montague.LIT.", "montague.lit"),
        ("r3---sn.montague.lit", "r3---sn.montague.lit"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
    ],
)
def test_domain_to_ascii_passes_ascii(domain, expected):
    assert domain_to_ascii(domain) == expected


def test_domain_to_ascii_refuses_what_dns_can_not_hold():
    """RFC 1035 §2.3.4."""
    fits = ".".join(["m" * 63, "m" * 63, "m" * 63, "m" * 61])
    assert domain_to_ascii(fits) == fits
    with pytest.raises(JIDError, match="253"):
        domain_to_ascii(fits + "m")
    with pytest.raises(JIDError):
        domain_to_ascii("montague..lit")
