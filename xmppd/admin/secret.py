"""The secret from which the keys of unknown users are invented, kept in the data directory."""

from __future__ import annotations

import secrets
from pathlib import Path

from xmppd.admin.files import write_private
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
            write_private(path, secrets.token_bytes(SIZE))
        secret = path.read_bytes()
    except OSError as error:
        problem = error.strerror or str(error)
        raise ConfigError(str(path), "", problem, "Let this user read and write it") from None
    if len(secret) != SIZE:
        problem = f"damaged: it has {len(secret)} octets instead of {SIZE}"
        remedy = "Restore it from a backup, or delete it: a new one will be made"
        raise ConfigError(str(path), "", problem, remedy)
    return secret
