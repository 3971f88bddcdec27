"""Certificates on disk: every layout is found, every fault is told with its remedy."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa

from tests.support.certificates import (
    DAY,
    NOW,
    Authority,
    chain_pem,
    dns,
    key_pem,
    srv_name,
    write_pair,
    xmpp_addr,
)
from xmppd.net.pairs import covers, find

CA = Authority()
VERONA = "verona.example"


@pytest.mark.parametrize(
    ("certificate", "key"),
    [
        ("live/verona.example/fullchain.pem", "live/verona.example/privkey.pem"),
        ("verona.example/fullchain.pem", "verona.example/privkey.pem"),
        ("verona.example_ecc/fullchain.cer", "verona.example_ecc/verona.example.key"),
        ("verona.example/fullchain.cer", "verona.example/verona.example.key"),
        ("verona.example/verona.example.crt", "verona.example/verona.example.key"),
        ("verona.example.crt", "verona.example.key"),
        ("verona.example.pem", "verona.example.key"),
    ],
)
def test_each_layout_is_found(tmp_path, certificate, key):
    pair = CA.intermediate().issue(dns(VERONA))
    write_pair(pair, tmp_path / certificate, tmp_path / key)
    found, problem = find(tmp_path, VERONA, NOW)
    assert problem is None
    assert (found.certificate, found.chain) == (pair.certificate, pair.chain)


def test_key_and_chain_in_one_file_are_found(tmp_path):
    pair = CA.issue(dns(VERONA))
    (tmp_path / "verona.example.pem").write_bytes(key_pem(pair) + chain_pem(pair))
    found, problem = find(tmp_path, VERONA, NOW)
    assert (found.certificate, problem) == (pair.certificate, None)


def test_an_international_domain_is_found_under_its_a_label(tmp_path):
    pair = CA.issue(dns("xn--mnchen-3ya.example"))
    write_pair(
        pair, tmp_path / "xn--mnchen-3ya.example.crt", tmp_path / "xn--mnchen-3ya.example.key"
    )
    found, problem = find(tmp_path, "münchen.example", NOW)
    assert (found.certificate, problem) == (pair.certificate, None)


@pytest.mark.parametrize("name", ["example", "_.verona.example", "verona.example"])
def test_a_parents_certificate_serves_where_it_covers_the_domain(tmp_path, name):
    covering = CA.issue(dns("*.verona.example"))
    write_pair(covering, tmp_path / f"{name}.crt", tmp_path / f"{name}.key")
    found, problem = find(tmp_path, "chat.verona.example", NOW)
    if name == "example":  # A top-level domain is nobody's parent.
        assert found is None
    else:
        assert (found.certificate, problem) == (covering.certificate, None)


def test_a_parents_certificate_that_does_not_cover_the_domain_is_passed_over(tmp_path):
    write_pair(CA.issue(dns(VERONA)), tmp_path / f"{VERONA}.crt", tmp_path / f"{VERONA}.key")
    found, problem = find(tmp_path, "chat.verona.example", NOW)
    assert found is None
    assert problem.problem == "no certificate for it"


def test_a_broken_pair_yields_to_a_parents_and_is_told(tmp_path):
    (tmp_path / "chat.verona.example.crt").write_text("alas")
    covering = CA.issue(dns("*.verona.example"))
    write_pair(covering, tmp_path / f"{VERONA}.crt", tmp_path / f"{VERONA}.key")
    found, problem = find(tmp_path, "chat.verona.example", NOW)
    assert found.certificate == covering.certificate
    assert problem.file == str(tmp_path / "chat.verona.example.crt")


def fault(directory: Path, certificate: bytes, key: bytes | None) -> tuple[str, str]:
    (directory / "verona.example.crt").write_bytes(certificate)
    if key is not None:
        (directory / "verona.example.key").write_bytes(key)
    found, problem = find(directory, VERONA, NOW)
    assert found is None
    assert str(problem).startswith(f"certificate of {VERONA}: {directory}/")
    assert problem.remedy
    return Path(problem.file).suffix, problem.problem


def test_nothing_there_is_told(tmp_path):
    found, problem = find(tmp_path, VERONA, NOW)
    assert found is None
    assert (problem.file, problem.problem) == (str(tmp_path), "no certificate for it")


def test_a_missing_key_is_told(tmp_path):
    suffix, problem = fault(tmp_path, chain_pem(CA.issue(dns(VERONA))), None)
    assert suffix == ".key"
    assert "No such file" in problem


def test_the_wrong_key_is_told(tmp_path):
    one, other = CA.issue(dns(VERONA)), CA.issue(dns(VERONA))
    suffix, problem = fault(tmp_path, chain_pem(one), key_pem(other))
    assert suffix == ".key"
    assert problem.startswith("not the key of")


def test_garbage_is_told(tmp_path):
    pair = CA.issue(dns(VERONA))
    assert fault(tmp_path, b"alas", key_pem(pair))[1] == "no certificate in PEM form in it"
    assert fault(tmp_path, chain_pem(pair), b"alas")[1] == "no private key in PEM form in it"


def test_a_passphrase_is_told(tmp_path):
    pair = CA.issue(dns(VERONA))
    problem = fault(tmp_path, chain_pem(pair), key_pem(pair, b"wherefore"))
    assert problem == (".key", "the key has a passphrase")


def test_a_key_of_no_use_to_tls_is_told(tmp_path):
    pair = CA.issue(dns(VERONA), key=dsa.generate_private_key(1024))
    problem = fault(tmp_path, chain_pem(pair), key_pem(pair))
    assert problem == (".key", "a key of a kind that TLS does not use")


def test_a_certificate_for_another_domain_is_told(tmp_path):
    pair = CA.issue(dns("mantua.example"))
    problem = fault(tmp_path, chain_pem(pair), key_pem(pair))
    assert problem == (".crt", "does not name verona.example")


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        (NOW - 9 * DAY, NOW - DAY, f"expired on {NOW - DAY:%Y-%m-%d}"),
        (NOW + DAY, NOW + 9 * DAY, "valid only from"),
    ],
)
def test_a_pair_outside_its_dates_is_served_and_told(tmp_path, start, end, says):
    pair = CA.issue(dns(VERONA), start=start, end=end)
    write_pair(pair, tmp_path / "verona.example.crt", tmp_path / "verona.example.key")
    found, problem = find(tmp_path, VERONA, NOW)
    assert found.certificate == pair.certificate
    assert problem.problem.startswith(says)


@pytest.mark.parametrize(
    ("names", "domain", "covered"),
    [
        (dns("Verona.Example"), "verona.example", True),
        (dns("mantua.example", "verona.example"), "verona.example", True),
        (dns("*.verona.example"), "chat.verona.example", True),
        (dns("*.verona.example"), "a.chat.verona.example", False),
        (dns("*.verona.example"), "verona.example", False),
        (dns("*.example"), "verona.example", True),
        (dns("*."), "localhost", False),
        (dns("v*.example"), "verona.example", False),
        ([srv_name("_xmpp-client.verona.example")], "verona.example", True),
        ([srv_name("_imap.verona.example")], "verona.example", False),
        ([xmpp_addr("verona.example")], "verona.example", True),
        ([xmpp_addr("romeo@verona.example")], "verona.example", False),
        (dns("xn--mnchen-3ya.example"), "münchen.example", True),
    ],
)
def test_covers_follows_rfc6120_13_7_1_2(names, domain, covered):
    assert covers(CA.issue(names).certificate, domain) is covered
