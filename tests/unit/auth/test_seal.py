"""The key file for digest logins: xmppd/auth/seal.py."""

import stat

import pytest

from xmppd.auth.seal import Seal, SealBroken, load_seal
from xmppd.errors import ConfigError


def test_what_is_sealed_opens_under_the_same_key_only(seal):
    sealed = seal.seal("wherefore ärt thou")
    assert b"wherefore" not in sealed
    assert seal.unseal(sealed) == "wherefore ärt thou"
    for damaged in (b"", sealed[:-1], Seal(b"B" * 43 + b"=").seal("x")):
        with pytest.raises(SealBroken):
            seal.unseal(damaged)


def test_sealing_twice_gives_two_texts(seal):
    """Equal passwords can't be told from the store."""
    assert seal.seal("r0m30") != seal.seal("r0m30")


def test_a_missing_file_is_made_for_its_owner_only(tmp_path):
    path = tmp_path / "digest.key"
    sealed = load_seal(path).seal("r0m30")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_seal(path).unseal(sealed) == "r0m30"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "digest.key"
    load_seal(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="others can read"):
        load_seal(path)


@pytest.mark.parametrize("content", [b"", b"short", b"A" * 44, b"\xff" * 44])
def test_a_file_without_a_key_is_refused(tmp_path, content):
    path = tmp_path / "digest.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="no key"):
        load_seal(path)
    assert path.read_bytes() == content


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="Correct the path") as caught:
        load_seal(tmp_path / "tomb" / "digest.key")
    assert "tomb" in str(caught.value)


def test_a_key_made_by_another_process_meanwhile_is_used(tmp_path, monkeypatch):
    path = tmp_path / "digest.key"
    first = load_seal(path)
    monkeypatch.setattr(type(path), "exists", lambda self: False)
    assert load_seal(path).unseal(first.seal("r0m30")) == "r0m30"
