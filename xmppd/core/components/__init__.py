"""Components (XEP-0114): the domains that other processes serve, and the way to these.

`registry` knows the domains, `domain` what becomes of a stanza for one, `instance` a process that
serves it, `spool` what waits for that; `connection` is a component's stream on its wire.
"""
