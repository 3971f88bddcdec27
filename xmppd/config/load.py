"""Reading the configuration: from a TOML file, or the built-in one of a server on localhost.

Every fault is one `ConfigError` that names the file, the line where it can be found, the key,
the problem and the remedy.
"""

from __future__ import annotations

from pathlib import Path

from xmppd.config import keys, toml
from xmppd.config.schema import S2S, Config, Listen, Registration
from xmppd.config.values import Fault, checked
from xmppd.errors import ConfigError

BUILT_IN = "built-in configuration"
"""What stands for the file's name in errors when there is no file."""


def load(path: Path | None) -> Config:
    """Read and check the configuration; None gives that of a server on localhost only.

    Relative paths are taken from the file's directory (from the current one without a file),
    the store's from `[server] data`; in the result all are absolute. Raises `ConfigError`.
    """
    if path is None:
        return _finish(_built_in(), BUILT_IN, "", Path.cwd())
    config, text = toml.read(path, Config)
    return _finish(config, str(path), text, path.absolute().parent)


def _built_in() -> Config:
    """Without a file nobody has decided to face the network: loopback, and nothing else."""
    return Config(
        listen=Listen(
            c2s=("tcp:5222:interface=127.0.0.1",),
            c2s_tls=("tcp:5223:interface=127.0.0.1",),
            s2s=(),
            s2s_tls=(),
        ),
        s2s=S2S(enabled=False),
        registration=Registration(policy="loopback"),
    )


def _finish(config: Config, source: str, text: str, base: Path) -> Config:
    try:
        return checked(config, base)
    except Fault as fault:
        where = keys.where(source, text, keys.read(fault.key))
        raise ConfigError(where, fault.key, fault.problem, fault.remedy) from None
