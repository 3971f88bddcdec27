"""Keys, their checking, SASLprep: xmppd/credentials.py."""

import base64
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scramp import ScramMechanism
from scramp.utils import ScramException, saslprep

from xmppd.credentials import (
    HASHES,
    LONGEST,
    SALT_BYTES,
    Credentials,
    derive,
    fake_keys,
    is_outdated,
    make_credentials,
    prepare_password,
    prepare_username,
    verify,
)


@pytest.mark.parametrize("hash_name", HASHES)
def test_keys_are_those_of_an_independent_implementation(hash_name):
    """RFC 5802 §3: the same salt and rounds give the same keys as scramp's."""
    salt, stored, server, rounds = ScramMechanism(f"SCRAM-{hash_name}").make_auth_info(
        "Wherefore art thou?", iteration_count=5000, salt=b"0123456789abcdef"
    )
    ours = derive("Wherefore art thou?", hash_name, salt=salt, iterations=rounds)
    assert (ours.stored_key, ours.server_key) == (stored, server)


def test_made_credentials_have_every_hash_and_check():
    made = make_credentials("r0m30", iterations=4096)
    assert set(made.keys) == {"SHA-1", "SHA-256"}
    assert all(verify("r0m30", keys) for keys in made.keys.values())
    assert not any(verify("r0m31", keys) for keys in made.keys.values())
    assert made.sealed is None


def test_no_two_salts_are_the_same():
    keys = [k for _ in range(2) for k in make_credentials("same", iterations=4096).keys.values()]
    assert len({k.salt for k in keys}) == 4
    assert {len(k.salt) for k in keys} == {SALT_BYTES}


def test_the_prepared_password_is_what_is_sealed():
    made = make_credentials("\u2168", iterations=4096, seal=lambda text: text.encode()[::-1])
    assert made.sealed == b"XI"


def test_too_few_iterations_are_refused():
    """RFC 5802 §5.1: at least 4096."""
    with pytest.raises(ValueError, match="4096"):
        make_credentials("r0m30", iterations=4095)


def test_nothing_secret_shows_in_a_repr():
    made = make_credentials("r0m30", iterations=4096, seal=str.encode)
    text = repr(made)
    secret = [made.sealed, *(k.stored_key for k in made.keys.values())]
    assert not any(repr(part)[2:-1] in text for part in secret)
    assert "r0m30" not in text


def test_a_password_that_saslprep_refuses_is_a_wrong_one():
    """RFC 4616 §2: verification fails."""
    keys = derive("r0m30", "SHA-256", salt=b"salt", iterations=1)
    assert not verify("r0m30\u0007", keys)
    assert not verify("", keys)


class TestFakeKeys:
    def test_they_are_the_same_each_time(self):
        one, two = (fake_keys("paris", "capulet.lit", "SHA-256", b"s" * 32, 10_000) for _ in "12")
        assert one == two

    @pytest.mark.parametrize(
        "other",
        [
            ("tybalt", "capulet.lit", "SHA-256", b"s" * 32, 10_000),
            ("paris", "montague.lit", "SHA-256", b"s" * 32, 10_000),
            ("paris", "capulet.lit", "SHA-1", b"s" * 32, 10_000),
            ("paris", "capulet.lit", "SHA-256", b"t" * 32, 10_000),
            ("paris", "capulet.lit", "SHA-256", b"s" * 32, 20_000),
        ],
    )
    def test_another_name_secret_or_count_gives_other_salts(self, other):
        fake = fake_keys("paris", "capulet.lit", "SHA-256", b"s" * 32, 10_000)
        assert fake_keys(*other).salt != fake.salt

    @pytest.mark.parametrize("hash_name", HASHES)
    def test_they_are_of_the_shape_of_real_ones(self, hash_name):
        fake = fake_keys("paris", "capulet.lit", hash_name, b"s" * 32, 4096)
        real = make_credentials("x", iterations=4096).keys[hash_name]
        size = hashlib.new(HASHES[hash_name]).digest_size
        assert len(fake.salt) == len(real.salt)
        assert len(fake.stored_key) == len(fake.server_key) == size
        assert fake.iterations == real.iterations
        assert not verify("x", fake)


class TestOutdated:
    current = make_credentials("r0m30", iterations=4096)

    def test_current_ones_are_not(self):
        assert not is_outdated(self.current, 4096, sealed=False)

    def test_fewer_rounds_are(self):
        assert is_outdated(self.current, 4097, sealed=False)

    def test_a_missing_hash_is(self):
        only = Credentials({"SHA-1": self.current.keys["SHA-1"]})
        assert is_outdated(only, 4096, sealed=False)

    def test_a_seal_wanted_or_no_longer_wanted_is(self):
        assert is_outdated(self.current, 4096, sealed=True)
        assert is_outdated(Credentials(self.current.keys, b"sealed"), 4096, sealed=False)


class TestSASLprep:
    @pytest.mark.parametrize(
        ("given", "prepared"),
        [
            ("I\u00adX", "IX"),
            ("user", "user"),
            ("USER", "USER"),
            ("\u00aa", "a"),
            ("\u2168", "IX"),
            ("a\u00a0b", "a b"),
            ("\u0627\u0628", "\u0627\u0628"),
        ],
    )
    def test_examples(self, given, prepared):
        """RFC 4013 §3."""
        assert prepare_password(given) == prepared
        assert prepare_username(given) == prepared

    @pytest.mark.parametrize(
        "refused",
        [
            "\u0007",
            "\u0627\u0031",
            "\u0031\u0627",
            "\u0627a\u0628",
            "a\u200e",
            "",
            "\u00ad",
            "\ue000",
            "\ud800",
        ],
    )
    def test_refusals(self, refused):
        """RFC 4013 §3, §2.3; an empty result is of no use either."""
        for prepare in (prepare_password, prepare_username):
            with pytest.raises(ValueError):
                prepare(refused)

    def test_unassigned_characters_pass_in_queries_only(self):
        """RFC 4013 §2.5: U+0221 is not in Unicode 3.2."""
        assert prepare_username("\u0221") == "\u0221"
        with pytest.raises(ValueError, match=r"Unicode 3\.2"):
            prepare_password("\u0221")

    def test_length_is_bounded(self):
        assert prepare_password("r" * LONGEST)
        with pytest.raises(ValueError, match="longer"):
            prepare_password("r" * (LONGEST + 1))
        with pytest.raises(ValueError, match="longer"):
            prepare_username("\ufdfa" * (LONGEST // 18 + 1))  # NFKC makes 18 of each

    @given(st.text(min_size=1, max_size=12))
    @settings(max_examples=300)
    def test_it_agrees_with_an_independent_implementation(self, text):
        try:
            expected = saslprep(text) or None
        except ScramException:
            expected = None
        try:
            prepared = prepare_password(text)
        except ValueError:
            prepared = None
        assert prepared == expected


def test_server_signature_of_rfc_7677():
    """RFC 7677 §3: its salt, rounds and password."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    keys = derive("pencil", "SHA-256", salt=salt, iterations=4096)
    assert verify("pencil", keys)
    assert base64.b64encode(keys.stored_key) == b"WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
    assert base64.b64encode(keys.server_key) == b"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
