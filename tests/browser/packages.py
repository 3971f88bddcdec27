"""Clients of other makes from npm: installed beside the checkout once, and served to pages."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from tests.support.process import ROOT

HERE = Path(__file__).parent
PINNED = HERE / "npm"
"""What is installed: a list of packages, and the version and checksum of each."""
FOLDER = ROOT / ".npm-test"
"""Where to. It is kept from one run to the next."""
MODULES = FOLDER / "node_modules"
PAGES = HERE / "pages"
BESIDE = {"/curve25519_compiled.wasm": "/npm/converse.js/dist/curve25519_compiled.wasm"}
"""What Converse.js looks for beside the page that it is on."""
PATIENCE = 120.0
"""Seconds that npm may take."""


class NotInstalledError(Exception):
    """These packages are not there, and can't be had; says why."""


def install() -> None:
    """Have the packages there; raises NotInstalledError where that can't be."""
    files = [PINNED / name for name in ("package.json", "package-lock.json")]
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    marker = FOLDER / "made-for"
    if marker.is_file() and marker.read_text() == wanted:
        return
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstalledError("npm is not installed (apt-get install npm)")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    for file in files:
        shutil.copy(file, FOLDER)
    # No package gets to run anything of its own.
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        made = subprocess.run(
            command, cwd=FOLDER, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotInstalledError(f"npm took more than {PATIENCE:.0f} seconds") from None
    if made.returncode != 0:
        raise NotInstalledError(f"npm can't install strophe.js and converse.js: {_last(made)}")
    marker.write_text(wanted)


def _last(made: subprocess.CompletedProcess[str]) -> str:
    return (made.stderr.strip().splitlines() or [f"status {made.returncode}"])[-1]


class _Handler(SimpleHTTPRequestHandler):
    """Files of the packages below `/npm/`, else those of the tests' own pages."""

    extensions_map = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".wasm": "application/wasm",
    }

    def translate_path(self, path: str) -> str:
        path = BESIDE.get(path, path)
        of_npm = path.startswith("/npm/")
        self.directory = str(MODULES if of_npm else PAGES)
        return super().translate_path(path.removeprefix("/npm") if of_npm else path)

    def log_message(self, *arguments: object) -> None:
        """What a page loads is no news."""


@contextmanager
def served() -> Iterator[str]:
    """The origin of a web server of its own on a free port of 127.0.0.1."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
