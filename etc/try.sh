#!/bin/sh
# Set up everything and run xmppd for localhost, in the current directory: `sh etc/try.sh`.
# Arguments go to `twistd xmppd`: `sh etc/try.sh -c my.toml`.

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
. "$root/etc/venv.sh"

install_xmppd ""
say "twistd -n xmppd${1:+ $*}"
[ $# -gt 0 ] || echo "   once it is ready, in a browser: http://localhost:5280"
echo "   accounts, from another terminal in this directory:"
echo "   $venv/bin/xmppctl${1:+ $*} adduser YOU@DOMAIN"
exec "$venv/bin/twistd" -n --pidfile= xmppd "$@"
