from pathlib import Path

import numpy as np
import pytest

from sonar_debris.frames.frame import Frame
from sonar_debris.frames.preprocessing import preprocess


@pytest.mark.parametrize(
    ("shape", "searched"),
    [
        ((480, 320), (480, 320)),
        ((100, 700), (100, 700)),
        ((640, 427), (480, 320)),
        ((1000, 1800), (480, 864)),
        ((500, 4000), (120, 960)),
        ((20000, 3), (480, 1)),
    ],
)
def test_a_large_frame_is_searched_at_the_size_that_the_networks_learnt_from(shape, searched):
    image = np.random.default_rng(0).integers(1, 255, shape).astype(np.float32) / 255

    prepared, factors = preprocess(Frame(image, Path("ping.png"), "ping.png"))

    assert prepared.shape == searched
    assert factors == pytest.approx(np.tile(np.array(searched[::-1]) / shape[::-1], 2))
