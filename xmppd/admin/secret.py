"""The secret from which the keys of unknown users are invented, kept in the data directory."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from xmppd.errors import ConfigError

NAME = "decoy.key"
SIZE = 32
"""Octets of the secret."""


def kept_secret(directory: Path) -> bytes:
    """The secret of a data directory, the same after every restart; made where there is none.

    Raises ConfigError for a file that is damaged or can't be used.
    """
    path = directory / NAME
    try:
        if not path.exists():
            _make(path)
        secret = path.read_bytes()
    except OSError as error:
        problem = error.strerror or str(error)
        raise ConfigError(str(path), "", problem, "Let this user read and write it") from None
    if len(secret) != SIZE:
        problem = f"damaged: it has {len(secret)} octets instead of {SIZE}"
        remedy = "Restore it from a backup, or delete it: a new one will be made"
        raise ConfigError(str(path), "", problem, remedy)
    return secret


def _make(path: Path) -> None:
    """Write it so that it is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(SIZE))
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
