import gzip
import json

import pytest

from components.bosh.http.offer import PATH, Offer
from components.bosh.http.static import Files, load
from tests.support.http_exchanges import Counted, answered, asking, told

PAGE = b"<!doctype html><title>Verona</title>" + b" " * 500
PICTURE = b"\x89PNG" + b"\0" * 500


@pytest.fixture
def folder(tmp_path):
    web = tmp_path / "web"
    (web / "js" / "ui").mkdir(parents=True)
    (web / "index.html").write_bytes(PAGE)
    (web / "js" / "main.js").write_bytes(b"1;\n")
    (web / "js" / "ui" / "list.js").write_bytes(b"2;\n")
    (web / "icon.png").write_bytes(PICTURE)
    return web


@pytest.fixture
def files(folder):
    return Files(load(folder))


def test_a_file_as_it_is(files):
    response = answered(files, asking("/js/ui/list.js"))
    assert (response.status, response.body) == (200, b"2;\n")
    assert told(response, "Content-Type") == "text/javascript; charset=utf-8"
    assert told(response, "Cache-Control") == "no-cache"


def test_the_root_is_the_page(files):
    assert answered(files, asking("/")).body == PAGE


def test_compressed_where_that_is_taken_and_shorter(files):
    packed = answered(files, asking("/", accept_encoding="br, gzip"))
    assert told(packed, "Content-Encoding") == "gzip"
    assert gzip.decompress(packed.body) == PAGE
    bare = answered(files, asking("/", accept_encoding="gzip;q=0"))
    assert not told(bare, "Content-Encoding")
    assert bare.body == PAGE
    for response in (packed, bare):
        assert "Accept-Encoding" in told(response, "Vary")
    for path in ("/js/main.js", "/icon.png"):
        assert not told(answered(files, asking(path, accept_encoding="gzip")), "Content-Encoding")


def test_what_a_client_has_already_rfc9110_13_1_2(files):
    tag = told(answered(files, asking("/")), "ETag")
    assert tag.startswith('"')
    for held in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        response = answered(files, asking("/", if_none_match=held))
        assert (response.status, response.body) == (304, b"")
        assert told(response, "ETag") == tag
        assert told(response, "Cache-Control") == "no-cache"
        assert not told(response, "Content-Type")
    assert answered(files, asking("/", if_none_match='"other"')).status == 200


def test_each_form_has_a_tag_of_its_own_rfc9110_8_8_1(files):
    bare = told(answered(files, asking("/")), "ETag")
    packed = told(answered(files, asking("/", accept_encoding="gzip")), "ETag")
    assert bare != packed
    assert answered(files, asking("/", accept_encoding="gzip", if_none_match=bare)).status == 200


def test_what_a_browser_is_told_to_keep_out(folder):
    files = Files(load(folder), connect=["wss://other.example"])
    for path in ("/", "/js/main.js", "/nothing"):
        response = answered(files, asking(path, host="chat.example.org:8443"))
        policy = dict(
            each.split(" ", 1) for each in told(response, "Content-Security-Policy").split("; ")
        )
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' blob: data:",
            "connect-src": "'self' ws://chat.example.org:8443 wss://chat.example.org:8443"
            " wss://other.example",
            "manifest-src": "'self'",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
        }
        assert told(response, "X-Content-Type-Options") == "nosniff"
        assert told(response, "Referrer-Policy") == "no-referrer"
        assert told(response, "Cross-Origin-Opener-Policy") == "same-origin"
        assert "camera=()" in told(response, "Permissions-Policy")


def test_a_host_adds_nothing_else_to_the_policy(files):
    response = answered(files, asking("/", host="x; script-src *"))
    assert "connect-src 'self';" in told(response, "Content-Security-Policy")


def test_only_get_and_head(files):
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
        response = answered(files, asking("/", method))
        assert (response.status, told(response, "Allow")) == (405, "GET, HEAD")
    assert answered(files, asking("/", "HEAD")).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/js/../../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/%252e%252e/secret.txt",
        "/..\\secret.txt",
        "/js\\main.js",
        "/js/main.js\0",
        "/js/main.js%00.png",
        "/js/./main.js",
        "//js/main.js",
        "/js",
        "/js/",
        "js/main.js",
        "",
        "*",
        "/%6As/main.js",
        "/.git/config",
    ],
)
def test_anything_else_is_not_found(folder, path):
    (folder.parent / "secret.txt").write_text("Romeo")
    counted = Counted()
    response = answered(Files(load(folder), refused=counted), asking(path))
    assert response.status == 404
    assert counted == [("http.not-found", "192.0.2.7")]


def test_what_is_in_the_folder_and_not_served(folder):
    secret = folder.parent / "secret.txt"
    secret.write_text("Romeo")
    (folder.parent / "js").mkdir()
    (folder.parent / "js" / "other.js").write_text("Romeo")
    (folder / "linked.txt").symlink_to(secret)
    (folder / "linked").symlink_to(folder.parent / "js")
    (folder / ".hidden.js").write_text("Romeo")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.js").write_text("Romeo")
    (folder / "main.py").write_text("Romeo")
    (folder / "README").write_text("Romeo")
    assert sorted(load(folder)) == [
        "/",
        "/icon.png",
        "/index.html",
        "/js/main.js",
        "/js/ui/list.js",
    ]


def test_a_folder_that_is_not_there_has_nothing(tmp_path):
    assert load(tmp_path / "web") == {}


def test_what_the_web_client_is_told():
    files = Files({PATH: Offer("verona.example", rooms="rooms.verona.example").file()})
    response = answered(files, asking("/config.json"))
    assert told(response, "Content-Type") == "application/json"
    assert json.loads(response.body) == {
        "domain": "verona.example",
        "websocket": "/xmpp-websocket",
        "bosh": "/http-bind",
        "register": None,
        "anonymous": False,
        "rooms": "rooms.verona.example",
    }
