import numpy as np
import pytest

from sonar_debris.simulator.fan import FANS, fan_mask
from sonar_debris.simulator.reflectors import Canvas, box, echo_reflector
from sonar_debris.simulator.render import render
from sonar_debris.simulator.scene import Scene

TIRE = 8


@pytest.fixture(params=FANS)
def block(request):
    """A bright block of 40 × 20 pixels around column 160, row 300, with a shadow of 60 pixels."""
    canvas = Canvas(centre=(160, 300))
    canvas.fill(box(40, 20), 45)
    canvas.block(box(40, 20))
    reflector = echo_reflector(canvas, shadow=60)
    return Scene(request.param, (reflector,), np.array([[140, 290, 181, 311]], np.float32), np.array([TIRE]))


def mean_frame(scene):
    return np.mean([render(scene, np.random.default_rng(seed)) for seed in range(12)], axis=0)


def test_object_is_brighter_and_its_shadow_darker_than_the_seabed(block):
    frame = mean_frame(block)
    seabed = np.concatenate([frame[250:310, 115:130], frame[250:310, 190:205]]).mean()
    assert frame[292:308, 145:175].mean() > seabed + 30
    assert frame[245:275, 150:170].mean() < seabed - 8


def test_shadow_lies_behind_the_object_and_ends(block):
    frame = mean_frame(block)
    shadow = frame[245:275, 150:170].mean()
    assert frame[325:345, 150:170].mean() > shadow + 8  # before the object, nearer to the sonar
    assert frame[190:215, 150:170].mean() > shadow + 8  # beyond the shadow's end


def test_frame_is_grey_in_the_fan_and_black_outside(block):
    image = render(block, np.random.default_rng(0))
    assert image.dtype == np.uint8 and image.shape == (480, 320)
    assert np.array_equal(image > 0, fan_mask(block.fan))
