"""The network: the Twisted protocols, TLS, and what limits them."""
