"""The configuration: typed, checked, complete; read from TOML or built in.

`schema` holds the tables, `load` reads them, `values` checks what a type can't say, `changes`
compares two configurations for a reload, `tolerant` reads what it can of a faulty one.
"""

from xmppd.config.changes import changes
from xmppd.config.load import load
from xmppd.config.schema import (
    S2S,
    TLS,
    Auth,
    Bundled,
    Component,
    Compression,
    Config,
    Contact,
    Limits,
    Listen,
    Log,
    Modules,
    Registration,
    S2SDomain,
    Server,
    Store,
    Table,
)
from xmppd.config.tolerant import control_socket

__all__ = [
    "S2S",
    "TLS",
    "Auth",
    "Bundled",
    "Component",
    "Compression",
    "Config",
    "Contact",
    "Limits",
    "Listen",
    "Log",
    "Modules",
    "Registration",
    "S2SDomain",
    "Server",
    "Store",
    "Table",
    "changes",
    "control_socket",
    "load",
]
