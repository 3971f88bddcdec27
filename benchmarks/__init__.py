"""Side-by-side measurement of xmppd, Prosody and ejabberd; run `python -m benchmarks --help`."""
