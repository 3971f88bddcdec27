"""Why a WebSocket is ended: each reason code with its meaning and its remedy."""

REASONS: dict[str, tuple[str, str]] = {
    "websocket.binary": ("a message that is not text", "the client is broken (RFC 7395 §3.2)"),
    "websocket.characters": ("characters that XML has not", "the client is broken"),
    "websocket.encoding": ("text that is not UTF-8", "the client is broken"),
    "websocket.flood": ("pings, and frames of a few octets, without end", "the client is broken"),
    "websocket.fragments": ("a message in very many pieces", "send it in fewer"),
    "websocket.frames": ("frames that are wrong, or too large", "body_octets in [bosh]"),
    "websocket.framing": (
        "a message that is no element, or one where another belongs",
        "the client is broken (RFC 7395 §3.3)",
    ),
    "websocket.handshake": (
        "a request that does not ask for a WebSocket with the subprotocol xmpp",
        "where all of them are such, the proxy does not pass Upgrade on (etc/nginx.conf)",
    ),
    "websocket.large-open": ("a very long <open/> or <close/>", "none needs to be"),
    "websocket.no-stream": ("a stream that the server does not take", "see the server's log"),
    "websocket.see-other": ("a client that is sent elsewhere", "see_other_websocket in [bosh]"),
    "websocket.silent": ("a client that gives no sign of life", "nothing: it may come back"),
    "websocket.unopened": ("a client that does not open a stream", "the client is broken"),
}
