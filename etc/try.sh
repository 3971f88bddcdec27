#!/bin/sh
# Set up everything and run xmppd for localhost, in the current directory: `sh etc/try.sh`.
# Arguments go to `twistd xmppd`: `sh etc/try.sh --config etc/xmppd.toml`.

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
. "$root/etc/venv.sh"

install_xmppd ""
say "twistd -n xmppd $*    (xmppctl is $venv/bin/xmppctl)"
exec "$venv/bin/twistd" -n --pidfile= xmppd "$@"
