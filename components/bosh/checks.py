"""What the types of `[bosh]` leave unchecked: paths, origins, URLs, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable

from twisted.internet.endpoints import serverFromString

from components.bosh.config import BoshTable, Config
from components.bosh.http.host_meta import JRD_PATH, XRD_PATH
from components.bosh.http.metrics import PATH as METRICS_PATH
from components.bosh.http.offer import PATH as OFFER_PATH
from components.bosh.http.origins import EVERY
from components.bosh.http.proxies import Proxies
from components.common.config import Loaded

_PATH = re.compile(r"(/[\w.~!$&'()*+,;=:@%-]+)+", re.ASCII)
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]*", re.IGNORECASE)
_PUBLIC = re.compile(r"https://[^/?#@\s]+(/[^?#\s]*)?", re.IGNORECASE)  # XEP-0156 §2.2
_BOSH = re.compile(r"https?://[^\s/]\S*", re.IGNORECASE)
_WEBSOCKET = re.compile(r"(ws|http)s?://[^\s/]\S*", re.IGNORECASE)

_ENDPOINT = 'as in ["tcp:5280:interface=127.0.0.1"]'
_TAKEN = frozenset({"/", XRD_PATH, JRD_PATH, METRICS_PATH, OFFER_PATH})


def check(loaded: Loaded[Config]) -> None:
    """Raise ConfigError for the first key that nothing would come of."""
    for key, problem, remedy in _faults(loaded.settings.bosh):
        raise loaded.fault(("bosh", key), problem, remedy)


def _faults(table: BoshTable) -> Iterable[tuple[str, str, str]]:
    if not table.listen:
        yield "listen", "is empty", f"Name an endpoint, {_ENDPOINT}"
    for text in table.listen:
        why = _no_endpoint(text)
        if why:
            yield "listen", f'"{text}" is no endpoint ({why})', f"Write it {_ENDPOINT}"
    for key in ("bosh", "websocket"):
        path = getattr(table, key)
        if path and not _PATH.fullmatch(path):
            yield key, f'"{path}" is no path', 'Write it as in "/http-bind"; "" for none'
        if path in _TAKEN:
            yield key, f'"{path}" is another page\'s', "Choose another path"
    if table.bosh and table.bosh == table.websocket:
        yield "websocket", "is the path of bosh, too", "Choose another path"
    for origin in table.origins:
        if origin not in (EVERY, "null") and not _ORIGIN.fullmatch(origin):
            remedy = 'Write it as in "https://chat.example.org", without a path'
            yield "origins", f'"{origin}" is no origin', remedy
    for key, form, example in (
        ("public", _PUBLIC, "https://chat.example.org"),
        ("see_other_bosh", _BOSH, "https://chat.example.org/http-bind"),
        ("see_other_websocket", _WEBSOCKET, "wss://chat.example.org/xmpp-websocket"),
    ):
        url = getattr(table, key)
        if url and not form.fullmatch(url):
            yield key, f'"{url}" is no URL for it', f'Write it as in "{example}"'
    for key in ("proxies", "metrics"):
        try:
            Proxies(getattr(table, key))
        except ValueError as error:
            yield key, str(error), 'Write them as in "127.0.0.1" or "10.0.0.0/8"'


def _no_endpoint(text: str) -> str:
    """Why nobody could listen there, whatever is free; "" where that is not known."""
    if text.startswith("systemd:"):  # only the process that systemd starts has these
        return ""
    try:
        serverFromString(None, text)
    except Exception as error:  # noqa: BLE001 - each kind of endpoint has its own
        return getattr(error, "strerror", None) or str(error) or type(error).__name__
    return ""
