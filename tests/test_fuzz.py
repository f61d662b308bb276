"""A few random changes for each fuzz target; `tests/fuzz.py` runs them for longer."""

import warnings

import numpy as np
import pytest

from tests.fuzz import TARGETS, time_limit

CHANGES = 20


@pytest.mark.parametrize("name", TARGETS)
def test_changed_files_give_a_result_or_one_line(name, tmp_path):
    target, rng = TARGETS[name], np.random.default_rng(1)
    seeds = target.make_seeds()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(CHANGES):
            data = target.change(seeds[number % len(seeds)], seeds[0], rng)
            with time_limit():
                target.read(tmp_path, data)
