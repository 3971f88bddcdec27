"""The operator's surface: the control socket, its commands, and xmppctl."""
