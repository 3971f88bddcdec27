#!/bin/sh
# Set up everything and run all checks and tests: `sh tests/run.sh`.
# Arguments go to pytest instead of its folders: `sh tests/run.sh tests/unit -k router`.

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
. "$root/etc/venv.sh"
cd "$root" || exit 1

# Clients that the end-to-end tests drive too; those tests say so where they are missing.
for program in go-sendxmpp profanity; do
    command -v "$program" >/dev/null || apt_install "$program" || say "without $program"
done
install_xmppd test,check

PATH=$venv/bin:$PATH
export PATH
# Tests and the processes they start import the checkout, not the installed copy.
PYTHONPATH=$root
export PYTHONPATH

# Every step is taken even after one that failed; what failed is told once more at the end.
failed=""
step() {
    say "$*"
    "$@" || failed="$failed
   $*"
}

step ruff check .
step ruff format --check .
step mypy
step lint-imports

if [ $# = 0 ]; then
    set -- tests/unit docs/examples
    for folder in tests/*/; do
        case $folder in
        tests/unit/ | tests/support/ | tests/__pycache__/) ;;
        *) set -- "$@" "$folder" ;;
        esac
    done
fi
step pytest -r s "$@"

if [ -n "$failed" ]; then
    fail "failed:$failed"
fi
say "all passed"
