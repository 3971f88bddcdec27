"""HTTP/1.1 (RFC 9110, RFC 9112): requests in, answers out; who may ask what."""
