import numpy as np
import pytest

from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.simulator.fan import FANS
from sonar_debris.simulator.new_shapes import NEW_SHAPES
from sonar_debris.simulator.shapes import SHAPES, wall

CENTRE = (160, 240)
# Median box of each class in the recorded frames, width × height in pixels.
RECORDED_SIZES = {
    "bottle": (68, 45),
    "can": (40, 38),
    "chain": (122, 149),
    "drink-carton": (27, 31),
    "hook": (47, 63),
    "propeller": (71, 79),
    "shampoo-bottle": (32, 99),
    "standing-bottle": (25, 108),
    "tire": (60, 55),
    "valve": (59, 45),
}


def outline_size(name, seed):
    rows, cols = np.nonzero(SHAPES[name](np.random.default_rng(seed), CENTRE).outline)
    return np.ptp(cols) + 1, np.ptp(rows) + 1


def test_every_class_has_a_shape():
    assert {*SHAPES, "wall"} == set(CLASS_NAMES)


def test_new_shapes_are_of_other_classes():
    assert not {*NEW_SHAPES} & {*CLASS_NAMES}


@pytest.mark.parametrize("name", RECORDED_SIZES)
def test_a_shape_is_about_as_large_as_in_recorded_frames(name):
    size = np.median([outline_size(name, seed) for seed in range(40)], axis=0)
    assert np.all(np.abs(np.log2(size / RECORDED_SIZES[name])) < 0.6)


@pytest.mark.parametrize("name", SHAPES | NEW_SHAPES)
def test_a_shape_surrounds_its_centre_and_blocks_sound(name):
    reflector = (SHAPES | NEW_SHAPES)[name](np.random.default_rng(0), CENTRE)
    rows, cols = np.nonzero(reflector.outline)
    assert cols.min() < CENTRE[0] < cols.max() and rows.min() < CENTRE[1] < rows.max()
    assert reflector.body.any() and reflector.echo.any()


@pytest.mark.parametrize("fan", FANS)
def test_the_wall_covers_a_far_corner_and_not_the_near_end(fan):
    reflector = wall(np.random.default_rng(0), fan)
    assert reflector.outline[0].any() and not reflector.outline[-100:].any()
