"""The key under which passwords are kept for digest logins: a file outside the store.

Who has the store alone can't read a password; who has the file as well can. So the file belongs
on another disk or in another backup than the store.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from xmppd.errors import ConfigError

_KEY = "auth.digest_key"


class SealBroken(Exception):
    """What was sealed can't be read: it was sealed under another key, or is damaged."""


class Seal:
    """Seals passwords and opens them again (Fernet: AES-128-CBC and HMAC-SHA-256)."""

    def __init__(self, key: bytes) -> None:
        """Take a key of 32 bytes in URL-safe base64; raises ValueError for any other."""
        self._fernet = Fernet(key)

    def seal(self, password: str) -> bytes:
        """Encrypt a password."""
        return self._fernet.encrypt(password.encode())

    def unseal(self, sealed: bytes) -> str:
        """Decrypt a password; raises SealBroken."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise SealBroken("sealed under another key, or damaged") from None


def load_seal(path: Path) -> Seal:
    """Read the key file, and make one (mode 0600) where there is none.

    Raises ConfigError for a file that others can read, that holds no key, or can't be used.
    """
    try:
        if not path.exists():
            _create(path)
        return Seal(_read(path))
    except OSError as error:
        raise _unusable(path, error.strerror or str(error), "Correct the path") from error
    except ValueError:
        raise _unusable(path, "it holds no key", "Restore it from a backup") from None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise _unusable(path, "others can read it", f"chmod 600 {path}")
        return file.read(1024).strip()


def _create(path: Path) -> None:
    """Make the file complete or not at all, and never in place of one that is there by now."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(name, path)
        except FileExistsError:
            pass  # another process was quicker; its key is as good
    finally:
        os.unlink(name)


def _unusable(path: Path, problem: str, remedy: str) -> ConfigError:
    return ConfigError(str(path), _KEY, problem, remedy)
