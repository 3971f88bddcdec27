"""SASL as a server (RFC 4422, RFC 6120 §6), without I/O.

A mechanism is a generator that reads from top to bottom like its RFC (`scram`, `plain`,
`external`, `anonymous`, `digest_md5`); `table` lists them and filters what a stream may see;
`exchange` drives one; `coding` is how their data stands in XML. Nothing here authorizes: what
an authenticated user may act as is decided in `xmppd.auth`.
"""

from xmppd.stream.sasl.coding import decode_initial, decode_response, encode, encode_success
from xmppd.stream.sasl.context import Context
from xmppd.stream.sasl.exchange import Exchange
from xmppd.stream.sasl.steps import (
    Answer,
    Challenge,
    CheckPassword,
    FetchKeys,
    FetchPassword,
    Request,
    Success,
)
from xmppd.stream.sasl.table import (
    MECHANISMS,
    Mechanism,
    channel_binding_types,
    facts,
    offered,
    select,
)

__all__ = [
    "MECHANISMS",
    "Answer",
    "Challenge",
    "CheckPassword",
    "Context",
    "Exchange",
    "FetchKeys",
    "FetchPassword",
    "Mechanism",
    "Request",
    "Success",
    "channel_binding_types",
    "decode_initial",
    "decode_response",
    "encode",
    "encode_success",
    "facts",
    "offered",
    "select",
]
