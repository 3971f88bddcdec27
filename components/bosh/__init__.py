"""The HTTP gateway: BOSH (XEP-0124, XEP-0206), WebSocket (RFC 7395), and a web client.

It carries the streams of its clients to the server (docs/session-tunnel.md), which reads them, lets
clients in and out, and is asked nothing here. Nothing is stored.
"""
