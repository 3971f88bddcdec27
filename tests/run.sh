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

# Servers that the tests of federation talk to, which say so where they are missing. Installing
# them must not start them: a policy of our own says no meanwhile, where there is none.
install_servers() (
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ] && command -v apt-get >/dev/null; then
        trap 'rm -f "$policy"' EXIT
        trap 'exit 1' HUP INT TERM
        { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"; } 2>/dev/null || exit 1
    fi
    apt_install "$@"
)
{ command -v nginx && command -v haproxy; } >/dev/null || install_servers nginx-light haproxy || say "without nginx, haproxy"
command -v prosody >/dev/null && command -v ejabberdctl >/dev/null &&
    ls /usr/lib/*/lua/*/lunbound.so >/dev/null 2>&1 ||
    install_servers prosody lua-unbound ejabberd || say "without prosody and ejabberd"

# The browser that tests/browser drives, for Playwright brings none here, and npm, which those tests
# install other web clients with, into .npm-test. They say so where either is missing; with
# XMPPD_TEST_BROWSER=1 they fail without the browser. A nodejs that is not Debian's has its own npm.
command -v chromium >/dev/null || apt_install chromium || say "without chromium"
command -v npm >/dev/null ||
    if command -v node >/dev/null; then apt_install npm; else apt_install nodejs npm; fi ||
    say "without npm"

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

# All tests, in two lanes side by side, which take about as long: in the one those that wait for
# processes much of the while, in the other those in memory, then those in a browser, then the rest.
beside() {
    lane_failed=0
    rest=""
    for folder in tests/*/; do
        case $folder in
        tests/unit/ | tests/browser/ | tests/e2e/ | tests/support/ | tests/__pycache__/) ;;
        *) rest="$rest $folder" ;;
        esac
    done
    for each in "tests/unit docs/examples" tests/browser "$rest"; do
        say "pytest -r s $each"
        # shellcheck disable=SC2086 - several folders
        pytest -r s -p no:cacheprovider $each || lane_failed=1
    done
    return "$lane_failed"
}

all_tests() {
    said=$(mktemp) || exit 1
    say "all tests but tests/e2e (beside the next step; their output comes behind)"
    beside >"$said" 2>&1 &
    lane=$!
    trap 'kill "$lane" 2>/dev/null; rm -f "$said"' EXIT
    trap 'exit 1' HUP INT TERM

    step pytest -r s tests/e2e

    wait "$lane" || failed="$failed
   pytest of all but tests/e2e"
    trap 'rm -f "$said"' EXIT
    cat "$said"
}

if [ $# = 0 ]; then
    all_tests
else
    step pytest -r s "$@"
fi

if [ -n "$failed" ]; then
    fail "failed:$failed"
fi
say "all passed"
