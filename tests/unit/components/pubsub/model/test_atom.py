"""Entries of Atom as text (RFC 4287)."""

from __future__ import annotations

import pytest

from components.pubsub.model.atom import CHARACTERS, summary, title
from components.pubsub.model.body import Untransformed
from tests.support.pubsub_bodies import ATOM, entry

XHTML = "http://www.w3.org/1999/xhtml"


def said(construct: str) -> str:
    return summary(entry(more=construct).encode())


def test_13_8_the_summary_or_lacking_that_the_title() -> None:
    both = entry("Soliloquy", "<summary>To be, or not to be</summary>").encode()
    assert summary(both) == "To be, or not to be"
    assert summary(entry("Soliloquy").encode()) == "Soliloquy"
    assert summary(entry("Soliloquy", "<summary> </summary>").encode()) == "Soliloquy"
    assert summary(f"<entry xmlns='{ATOM}'/>".encode()) == ""


def test_xep_0277_8_of_a_microblog_the_title() -> None:
    both = entry("hanging out", "<summary>a post</summary>").encode()
    assert title(both) == "hanging out"
    assert title(entry("", "<summary>a post</summary>").encode()) == "a post"


@pytest.mark.parametrize(
    "payload",
    [b"<act xmlns='urn:example:play'><title>x</title></act>", b"<entry><title>x</title></entry>"],
)
def test_of_what_is_no_atom_nothing_is_said(payload: bytes) -> None:
    assert summary(payload) == ""


def test_what_can_not_be_read_is_no_text() -> None:
    with pytest.raises(Untransformed):
        summary(b"<entry")


@pytest.mark.parametrize(
    ("construct", "text"),
    [
        # 3.1.1.1: text is as it is, but for how its lines are indented
        ("<summary>\n   To be,\n\n\n\n   or not\n</summary>", "To be,\n\nor not"),
        ("<summary type='text'>a &lt;b&gt; c</summary>", "a <b> c"),
        # 3.1.1.2: HTML
        (
            "<summary type='html'>a &lt;b>bold&lt;/b>   word&lt;br/>on &lt;P>two</summary>",
            "a bold word\non\ntwo",
        ),
        ("<summary type='html'>x &lt;script>alert(1)&lt;/script>y</summary>", "x y"),
        ("<summary type='html'>x&lt;!-- &lt;b>no&lt;/b> -->y</summary>", "xy"),
        (
            "<summary type='html'>1 &amp;lt; 2 &amp;amp; 3 --> 4 &lt; 5</summary>",
            "1 < 2 & 3 --> 4 < 5",
        ),
        ("<summary type='html'>&lt;style>all&lt;/STYLE>&lt;i title='x'>seen</summary>", "seen"),
        ("<summary type='html'>a&lt;script>never ended</summary>", "a"),
        (f"<summary type='html'>&amp;#{'9' * 5_000};</summary>", f"&#{'9' * 5_000};"),
        # 3.1.1.3: XHTML
        (
            f"<summary type='xhtml'><div xmlns='{XHTML}'>a <b>bold</b>\n word<br/>on"
            "<p>two</p>three<script>x</script></div></summary>",
            "a bold word\non\ntwo\nthree",
        ),
    ],
)
def test_3_1_a_text_without_its_markup(construct: str, text: str) -> None:
    assert said(construct) == text


@pytest.mark.parametrize(
    "markup", ["&lt;", "&lt;a", "&lt;a ", "&lt;!--", "&lt;script>", "&amp;#", "-->", "&lt;!", "x"]
)
def test_whatever_it_is_it_is_looked_at_once(markup: str) -> None:
    """Markup that begins again and again, and never ends."""
    assert len(said(f"<summary type='html'>{markup * 40_000}</summary>")) <= CHARACTERS


@pytest.mark.parametrize(
    "markup", [f"&lt;a title='{'x' * CHARACTERS}'>b&lt;/a>", "&lt;br/>" * 4_000, "&amp;lt;" * 4_000]
)
def test_html_that_is_cut_shows_no_half_of_its_markup(markup: str) -> None:
    for behind in range(8):
        text = said(f"<summary type='html'>seen{'.' * behind}{markup}</summary>")
        assert text.rstrip("<") == f"seen{'.' * behind}"


def test_however_deep_it_is() -> None:
    deep = "<div>" * 20_000 + "deep" + "</div>" * 20_000
    assert said(f"<summary type='xhtml'>{deep}</summary>") in ("deep", "Soliloquy")
    wide = "<i>x</i>" * 20_000
    assert said(f"<summary type='xhtml'>{wide}</summary>").startswith("xxx")
