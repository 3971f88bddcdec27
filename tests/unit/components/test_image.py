"""Images by how they begin."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.common.image import recognised
from tests.support.vcards import png

JPEG = (
    b"\xff\xd8\xff\xe0" + pack(">H", 16) + b"JFIF".ljust(14, b"\0")  # a segment to go past
    + b"\xff\xff\xc0" + pack(">HBHHB", 17, 8, 480, 640, 3)
)  # fmt: skip
WEBP = b"RIFF\n\0\0\0WEBP"

KNOWN = {
    "png": (png(64, 32), ("image/png", 64, 32)),
    "gif87": (b"GIF87a" + pack("<HH", 3, 5), ("image/gif", 3, 5)),
    "gif89": (b"GIF89a" + pack("<HH", 300, 500), ("image/gif", 300, 500)),
    "jpeg": (JPEG, ("image/jpeg", 640, 480)),
    "webp": (WEBP + b"VP8 " + bytes(10) + pack("<HH", 64 | 0x4000, 32), ("image/webp", 64, 32)),
    "webp-lossless": (
        WEBP + b"VP8L" + bytes(4) + b"\x2f" + pack("<I", 63 | 31 << 14),
        ("image/webp", 64, 32),
    ),
    "webp-extended": (
        WEBP + b"VP8X" + bytes(8) + (63).to_bytes(3, "little") + (31).to_bytes(3, "little"),
        ("image/webp", 64, 32),
    ),
}


@pytest.mark.parametrize(("data", "image"), KNOWN.values(), ids=KNOWN)
def test_a_known_kind_tells_its_size(data, image):
    assert recognised(data) == image


@pytest.mark.parametrize(("data", "image"), KNOWN.values(), ids=KNOWN)
def test_what_was_cut_off_is_of_its_kind_or_of_none(data, image):
    for length in range(len(data)):
        found = recognised(data[:length])
        assert found is None or (found.type == image[0] and found[1:] in [image[1:], (0, 0)])


@pytest.mark.parametrize(
    "data",
    [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"BM6", b"GIF88a", b"RIFF"],
)
def test_what_a_browser_might_run_is_no_image(data):
    assert recognised(data) is None


@given(st.sampled_from([data for data, _ in KNOWN.values()]), st.binary(max_size=300))
def test_no_octets_are_too_strange(data, tail):
    for cut in (3, 12, 16, len(data)):
        recognised(data[:cut] + tail)


def test_a_jpeg_of_filling_alone_takes_no_time():
    assert recognised(b"\xff\xd8" + b"\xff" * 1_000_000) == ("image/jpeg", 0, 0)
    assert recognised(b"\xff\xd8\xff\xe0" + b"\0" * 1_000) == ("image/jpeg", 0, 0)
