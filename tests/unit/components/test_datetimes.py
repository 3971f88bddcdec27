"""Moments as XMPP writes them (XEP-0082 §3.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.common.datetimes import read, written


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1969-07-21T02:56:15Z", -14159025.0),
        ("1969-07-20T21:56:15-05:00", -14159025.0),
        (" 2002-09-10T23:08:25.5Z ", 1031699305.5),
        ("20020910T23:08:25", 1031699305.0),
    ],
)
def test_3_2_a_moment_is_read(text, seconds):
    assert read(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "x" * 1000, "2002-09-10", "2002-09-10T23:08:25", "2002-09-10T23:08:25.Z"),
        *("2002-13-10T23:08:25Z", "2002-09-31T23:08:25Z", "0000-01-01T00:00:00Z"),
        *("2002-09-10T23:08:25+99:99", "٢٠٠٢-09-10T23:08:25Z"),
    ],
)
def test_3_2_what_is_none_is_refused(text):
    with pytest.raises(ValueError, match="no "):
        read(text)


@given(st.integers(-(10**9), 4 * 10**9).map(lambda n: n / 8))
def test_what_is_written_is_read(moment):
    assert read(written(moment, 6)) == moment


def test_digits_are_cut_off():
    assert written(0.999, 1) == "1970-01-01T00:00:00.9Z"
    assert written(0.999) == "1970-01-01T00:00:00Z"
