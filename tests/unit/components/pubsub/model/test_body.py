"""Payloads as people read them (XEP-0060 §13.8)."""

from __future__ import annotations

import pytest

from components.pubsub.model.body import CHARACTERS, body


def test_13_8_it_is_text_beside_the_event() -> None:
    assert body("  to be <or> not & so on\n") == (b"<body>to be &lt;or&gt; not &amp; so on</body>")


@pytest.mark.parametrize("said", ["", " \n", "\0", "\x0c\ufffe"])
def test_where_nothing_is_said_there_is_none(said: str) -> None:
    assert body(said) == b""


def test_what_xml_can_not_have_is_left_out() -> None:
    assert (
        body("a\0b\x1bc\ud800d\uffffe\tf\U0001f339") == "<body>abcde\tf\U0001f339</body>".encode()
    )


def test_it_is_bounded_and_cut_between_characters() -> None:
    rose = "\U0001f339"
    assert body(rose * CHARACTERS) == f"<body>{rose * CHARACTERS}</body>".encode()
    cut = f"<body>{rose * (CHARACTERS - 1)}\u2026</body>".encode()
    assert body(rose * CHARACTERS + "a") == body(rose * 1_000_000) == cut
