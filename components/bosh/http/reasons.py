"""Why a request is refused before anybody has read its body: each code, its meaning, its remedy."""

REASONS: dict[str, tuple[str, str]] = {
    "http.connections": ("a connection where there are enough in all", "connections in [bosh]"),
    "http.connections-per-address": (
        "a connection from an address that has as many as it may",
        "connections_per_address in [bosh]",
    ),
    "http.host": ("a request that calls us by what is no host's name", "the client is broken"),
    "http.method": ("a method that the place asked for has not", "the client is broken"),
    "http.not-found": ("a path where nothing is", "correct the address"),
    "http.origin": (
        "a page of another origin that wants to log in here",
        "origins in [bosh] names those that may",
    ),
    "http.rate": ("requests faster than an honest client's", "requests_per_second in [bosh]"),
}
