"""What a component connects with: `[core] endpoint`, made of its text, or refused with a remedy.

Twisted makes it. What it says of a text that is wrong, or of certificates that can't be used, is
told as every fault of a configuration file is; and what it passes over in silence is a fault, too.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import clientFromString, quoteStringArgument

from components.common.config import Loaded

KEY = ("core", "endpoint")

_FILE = re.compile(
    r"((?:^unix:(?!\w+=)|:(?:path|trustRoots|certificate|privateKey)=))((?:\\.|[^:\\])+)"
)
"""A path in an endpoint; a colon in it stands behind a backslash."""
_ROOTS = re.compile(r":trustRoots=((?:\\.|[^:\\])+)")
_FUNCTION = re.compile(r"^\w\S*\(\) ")
"""How a TypeError calls what was given the wrong arguments; operators know it by no name."""


def made(loaded: Loaded[Any], reactor: Any) -> Any:
    """The endpoint (`IStreamClientEndpoint`); raises ConfigError for what can't be one."""
    text = loaded.settings.core.endpoint
    description = _from(loaded.base, text)
    if roots := _ROOTS.search(description):
        _check_roots(loaded, Path(re.sub(r"\\(.)", r"\1", roots[1])))
    try:
        return clientFromString(reactor, description)
    except Exception as error:  # whatever a kind of endpoint raises
        why = _FUNCTION.sub("", str(error)) or type(error).__name__
        problem = f'"{text}" can\'t be connected to ({why})'
        examples = '"tcp:127.0.0.1:5347" or "tls:example.org:5348"'
        remedy = f"Write a client endpoint of Twisted, such as {examples}"
        raise loaded.fault(KEY, problem, remedy) from error


def _from(base: Path, text: str) -> str:
    """`text` with its relative paths taken from `base`."""

    def absolute(found: re.Match[str]) -> str:
        before, path = found.groups()
        if path.startswith("/"):
            return found[0]
        return f"{before}{quoteStringArgument(str(base))}/{path}"

    return _FILE.sub(absolute, text)


def _check_roots(loaded: Loaded[Any], directory: Path) -> None:
    """Refuse a directory of `trustRoots` that vouches for nobody, or not as it seems to."""
    if fault := _roots_fault(directory):
        remedy = (
            "Have trustRoots name a directory with the certificate of who has issued the server's "
            "(or that one itself), as *.pem"
        )
        raise loaded.fault(KEY, fault, remedy)


def _roots_fault(directory: Path) -> str:
    from OpenSSL import crypto  # only who trusts somebody needs it

    try:
        files = [path for path in directory.iterdir() if path.suffix.lower() == ".pem"]
        for path in sorted(files):
            crypto.load_certificate(crypto.FILETYPE_PEM, path.read_bytes())
    except OSError as error:
        return f"{error.filename} can't be read ({error.strerror})"
    except crypto.Error:
        return f"{path} is no certificate in PEM"
    return "" if files else f"there is no *.pem in {directory}"
