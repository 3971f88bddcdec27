# Sourced by etc/try.sh and tests/run.sh, which have set `root` to the checkout's directory:
# functions that make $root/.venv and install xmppd there. POSIX sh.

venv=$root/.venv

say() {
    printf '\n== %s\n' "$*"
}

fail() {
    printf '%s: %s\n' "$0" "$*" >&2
    exit 1
}

# Debian packages, where this is Debian and we are root; otherwise status 1.
apt_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    say "apt-get install $*"
    apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o Dpkg::Use-Pty=0 install --no-install-recommends --yes "$@" >/dev/null
}

# Sets `python` to a Python of 3.11 or later that can make virtual environments.
find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
            2>/dev/null; then
            return 0
        fi
    done
    return 1
}

make_venv() {
    find_python || { apt_install python3 python3-venv && find_python; } ||
        fail "needs Python 3.11 or later with venv (Debian: apt-get install python3-venv)"
    say "a virtual environment in $venv, by $("$python" --version)"
    rm -rf "$venv"
    "$python" -m venv "$venv" || fail "$python can't make $venv"
}

pip_install() {
    "$venv/bin/python" -m pip --disable-pip-version-check --quiet install "$@" ||
        fail "pip could not install xmppd; its message is above"
}

# install_xmppd EXTRAS ("" for none): what the environment holds afterwards is this checkout.
install_xmppd() {
    # Scripts in an environment name its path, so one that was moved is made anew.
    if [ "$(cat "$venv/made-in" 2>/dev/null)" != "$venv" ] ||
        ! "$venv/bin/python" -c '' 2>/dev/null; then
        make_venv
        echo "$venv" >"$venv/made-in"
    fi
    needed="[$1] $(cat "$root/setup.cfg" "$root/pyproject.toml" | cksum)"
    if [ "$(cat "$venv/made-for" 2>/dev/null)" = "$needed" ]; then
        pip_install --no-build-isolation --no-deps --force-reinstall "$root"
    else
        say "pip install xmppd and what it needs${1:+, with the extras $1}"
        pip_install --upgrade pip 'setuptools>=70.1'
        pip_install --no-build-isolation "$root${1:+[$1]}"
        echo "$needed" >"$venv/made-for"
    fi
}
