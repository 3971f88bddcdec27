"""The operator's surface: commands, the control socket, xmppctl, checks."""
