"""Transformations in XSLT: the operator's own, of what anybody may have published."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from components.pubsub.model import xslt
from components.pubsub.model.body import CHARACTERS, Untransformed
from components.pubsub.model.xslt import OCTETS, Transformation
from tests.support.pubsub_bodies import XSL, stylesheet

ALL = "<xsl:value-of select='.'/>"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines that run tests may have much to do besides."""
    monkeypatch.setattr(xslt, "PATIENCE", 60)


def made(template: str, payload: bytes = b"<act>The balcony</act>", more: str = "") -> str:
    return Transformation(stylesheet(template, more))(payload)


def test_13_8_it_makes_a_text_of_a_payload() -> None:
    assert made("Act: <xsl:value-of select='act'/>") == "Act: The balcony"
    assert made("") == ""


def test_what_it_says_of_its_output_is_of_no_matter() -> None:
    """Not even where there is no such encoding, or none for all characters."""
    for encoding in (b"UTF-16", b"ASCII", b"no-such"):
        output = b"encoding='%b' method" % encoding
        transformation = Transformation(stylesheet("\u2026").replace(b"method", output))
        assert transformation(b"<act/>") == "\u2026"


@pytest.mark.parametrize("method", ["text", "xml", "html"])
@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("<p>a<b>b</b><!-- c --></p>", "ab"),
        ("a<b>b</b>c<b>d</b>e", "abcde"),
        ("a &lt; b", "a < b"),
        ("<xsl:comment>a</xsl:comment>b", "b"),
        ("<xsl:comment>a</xsl:comment>", ""),
        ("", ""),
    ],
)
def test_markup_that_it_makes_is_no_text(method: str, template: str, said: str) -> None:
    assert Transformation(stylesheet(template, method=method))(b"<act/>") == said


def test_a_stylesheet_that_says_nothing_of_its_output_makes_a_text_as_well() -> None:
    output = b"<xsl:output method='text'/>"
    assert Transformation(stylesheet("a &lt; b").replace(output, b""))(b"<act/>") == "a < b"
    element = f"<p xsl:version='1.0' xmlns:xsl='{XSL}'>Act: <b>{ALL}</b></p>".encode()
    assert Transformation(element)(b"<act>The balcony</act>") == "Act: The balcony"


@pytest.mark.parametrize(
    "stylesheet",
    [
        b"",
        b"<xsl:stylesheet",
        b"<act/>",
        stylesheet("<xsl:value-of select='///'/>"),
        stylesheet("", "<xsl:nonsense/>"),
        stylesheet("", "<xsl:include href='/etc/passwd'/>"),
        stylesheet("").replace(b"<xsl:output", b"<xsl:import href='x'/><xsl:output"),
    ],
)
def test_what_is_none_is_told_at_once(stylesheet: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Transformation(stylesheet)


# ---------------------------------------------------------------------- it reads nothing else


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.xml"
    path.write_text("<secret>hidden</secret>")
    return path


def test_it_reads_no_file(secret: Path) -> None:
    for url in (str(secret), f"file://{secret}", secret.name, ""):
        with pytest.raises(Untransformed):
            made(f"[<xsl:value-of select=\"document('{url}')\"/>]")


def test_nor_one_that_the_payload_names(secret: Path) -> None:
    with pytest.raises(Untransformed):
        made("[<xsl:value-of select='document(act)'/>]", f"<act>{secret}</act>".encode())


def test_it_writes_none(tmp_path: Path) -> None:
    path = tmp_path / "written"
    common = b"xmlns:e='http://exslt.org/common' extension-element-prefixes='e'"
    writes = stylesheet(f"<e:document href='{path}'>x</e:document>")
    with pytest.raises(Untransformed):
        Transformation(writes.replace(b" version", b" %b version" % common))(b"<act/>")
    assert not path.exists()


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """A server on this host, and what it was asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<secret>hidden</secret>")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", paths
    server.shutdown()
    server.server_close()
    thread.join()


def test_it_asks_nobody(asked: tuple[str, list[str]]) -> None:
    url, paths = asked
    with pytest.raises(Untransformed):
        made(f"[<xsl:value-of select=\"document('{url}')\"/>]")
    entity = f"<!DOCTYPE act [<!ENTITY x SYSTEM '{url}'>]><act>[&x;]</act>"
    assert made(ALL, entity.encode()) == "[]"
    doctype = f"<!DOCTYPE act SYSTEM '{url}'><act>x</act>"
    assert made(ALL, doctype.encode()) == "x"
    assert paths == []


def test_there_are_no_functions_of_python() -> None:
    regexp = "re:test('a','a') or true()"
    with pytest.raises(Untransformed):
        made(f"<xsl:value-of xmlns:re='http://exslt.org/regular-expressions' select=\"{regexp}\"/>")


# ---------------------------------------------------------------------- it is bounded


def test_a_payload_that_is_too_large_is_not_transformed() -> None:
    most = b"<act>%b</act>" % (b"x" * (OCTETS - 11))
    assert made(ALL, most) == "x" * (CHARACTERS + 1)
    with pytest.raises(Untransformed, match="octets"):
        made(ALL, most.replace(b"<act>", b"<act >"))


@pytest.mark.parametrize(
    "payload",
    [
        b"<x>" * 5_000 + b"</x>" * 5_000,
        b"<act>",
        b"",
        b"<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'>%b]><a>&j;</a>"
        % b"".join(b"<!ENTITY %c '%b'>" % (98 + n, b"&%c;" % (97 + n) * 20) for n in range(9)),
    ],
)
def test_what_is_too_deep_or_grows_or_is_none_is_not_transformed(payload: bytes) -> None:
    with pytest.raises(Untransformed):
        made(ALL, payload)


def test_what_calls_itself_for_ever_comes_to_an_end() -> None:
    again = "<xsl:call-template name='again'/>"
    with pytest.raises(Untransformed):
        made(again, more=f"<xsl:template name='again'>x{again}</xsl:template>")
    with pytest.raises(Untransformed, match="no such act"):
        made("<xsl:message terminate='yes'>no such act</xsl:message>")


def test_what_takes_too_long_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xslt, "PATIENCE", 0.001)
    ended = Event()
    transformation = Transformation(stylesheet(ALL))
    apply = transformation._apply

    def slow(payload: bytes, said: list[str | Untransformed]) -> None:
        ended.wait()
        apply(payload, said)

    monkeypatch.setattr(transformation, "_apply", slow)
    with pytest.raises(Untransformed, match="takes more"):
        transformation(b"<act>I</act>")
    with pytest.raises(Untransformed, match="still"):
        transformation(b"<act>II</act>")
    ended.set()
    assert transformation._thread is not None
    transformation._thread.join()
    monkeypatch.setattr(xslt, "PATIENCE", 60)
    assert transformation(b"<act>III</act>") == "III"


def test_names_that_come_with_payloads_are_forgotten() -> None:
    """libxml2 has those of a thread until it ends."""
    transformation = Transformation(stylesheet("<xsl:value-of select='name(*)'/>"))

    def grown(first: int) -> int:
        for number in range(first, first + 150):
            names = b"".join(b"<n%d-%d-%b/>" % (number, n, b"x" * 100) for n in range(200))
            assert transformation(b"<act>%b</act>" % names) == "act"
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096

    before = grown(0)
    assert grown(150) - before < 1_000_000  # they are 3,000,000 octets and more
