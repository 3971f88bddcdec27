"""Statements with many rows."""

from components.muc.store.rows import MOST, chunks, places


def test_chunks_are_powers_of_two_in_order():
    for total in (0, 1, 2, 3, 63, 64, 65, 127, 200):
        pieces = [list(each) for each in chunks(range(total))]
        assert [row for piece in pieces for row in piece] == list(range(total))
        sizes = [len(each) for each in pieces]
        assert sizes == sorted(sizes, reverse=True)
        assert all(size & (size - 1) == 0 and 0 < size <= MOST for size in sizes)


def test_places():
    assert (places(3), places(2, 2), places(1, 3)) == ("?, ?, ?", "(?, ?), (?, ?)", "(?, ?, ?)")
