"""The operator's surface: commands, the control socket, xmppctl, logs, signals, checks."""
