"""Other servers: what is sent to their domains, and what comes from them (RFC 6120 §3 to §5).

`remotes.py` has each domain once; what carries the streams stands in `xmppd/net`.
"""
