"""Why a request is refused before anybody has read its body: each code, its meaning, its remedy."""

REASONS: dict[str, tuple[str, str]] = {
    "http.coding": ("a body in another coding than chunks", "the client is broken"),
    "http.connections": ("a connection where there are enough in all", "connections in [bosh]"),
    "http.connections-per-address": (
        "a connection from an address that has as many as it may",
        "connections_per_address in [bosh]",
    ),
    "http.host": ("a request that calls us by what is no host's name", "the client is broken"),
    "http.large-body": ("a body that is too large, or a chunk in it", "body_octets in [bosh]"),
    "http.large-head": ("a request line and headers of more than 16 KiB", "the client is broken"),
    "http.method": ("a method that the place asked for has not", "the client is broken"),
    "http.no-request": (
        "octets that are no request of HTTP/1.1",
        "the client is broken, or speaks TLS where there is none",
    ),
    "http.not-found": ("a path where nothing is", "correct the address"),
    "http.origin": (
        "a page of another origin that wants to log in here",
        "origins in [bosh] names those that may",
    ),
    "http.rate": ("requests faster than an honest client's", "requests_per_second in [bosh]"),
    "http.slow": ("a request that took too long to come", "request_seconds in [bosh]"),
}
