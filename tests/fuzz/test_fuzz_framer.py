"""A short, always equal run of the fuzzer; `fuzz_framer` runs as long as one likes."""

from __future__ import annotations

from random import Random

import pytest

from tests.fuzz.fuzz_framer import fuzz_one, mutant, run
from tests.support.frames import frames_of, shape


@pytest.mark.parametrize("seed", range(20))
def test_mutants(seed: int) -> None:
    random = Random(seed)
    for _ in range(40):
        data = mutant(random)
        try:
            fuzz_one(data)
        except AssertionError as error:
            raise AssertionError(f"{data!r}: {error}") from error


def test_the_mutator_spoils_some_streams_and_not_others() -> None:
    random = Random(1)
    ends = {shape(f)[0] for _ in range(100) for f in frames_of(mutant(random))[-1:]}
    assert {"error", "StreamClose"} <= ends


def test_the_same_seed_makes_the_same_streams() -> None:
    assert mutant(Random(5)) == mutant(Random(5))
    assert run(Random(5), 0) == 0
