"""Datatypes (XEP-0122 §3.1, XML Schema part 2)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.common.forms.datatypes import DATE_TIME, LANGUAGE, URI


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1597-01-29T20:00:00Z", datetime(1597, 1, 29, 20, tzinfo=UTC)),
        (" 1597-01-29T20:00:00.5Z ", datetime(1597, 1, 29, 20, 0, 0, 500_000, tzinfo=UTC)),
        ("1597-01-29T20:00:00.1234567891Z", datetime(1597, 1, 29, 20, 0, 0, 123_456, tzinfo=UTC)),
        ("2003-10-06T11:22:00-07:00", datetime(2003, 10, 6, 18, 22, tzinfo=UTC)),
    ],
)
def test_a_moment_is_in_utc(text, moment):
    """XEP-0082 §3.2."""
    assert DATE_TIME.read(text) == moment
    assert DATE_TIME.read(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1597-01-29",
        "1597-01-29T20:00:00",
        "1597-01-29 20:00:00Z",
        "15970129T20:00:00Z",
        "1597-02-30T20:00:00Z",
        "1597-01-29T25:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1597-01-29T20:00:00+99:99",
        "\u0661597-01-29T20:00:00Z",
        "1597-01-29T20:00:00Z\n1597-01-29T20:00:00Z",
    ],
)
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError, match="a date and time is wanted"):
        DATE_TIME.read(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_reads_back(moment):
    assert DATE_TIME.read(DATE_TIME.write(moment)) == moment


def test_a_language():
    """RFC 1766, as XML Schema has it."""
    for text in ("en", "pt-BR", "de-CH-1901", ""):
        assert LANGUAGE.read(text) == text
    for text in ("e n", "en-", "en_GB", "verylonglanguage", "-"):
        with pytest.raises(ValueError, match="a language is wanted"):
            LANGUAGE.read(text)


def test_a_uri():
    for text in ("xmpp:pubsub.shakespeare.lit?;node=chat", "https://x.lit/a?b#c", ""):
        assert URI.read(f" {text} ") == text
    for text in ("a b", "<a>", '"', "a\nb"):
        with pytest.raises(ValueError, match="a URI is wanted"):
            URI.read(text)
