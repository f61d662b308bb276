import numpy as np
import pytest

from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.simulator import simulate_frames
from sonar_debris.simulator.fan import FANS, fan_mask
from sonar_debris.simulator.reflectors import Canvas, box, echo_reflector
from sonar_debris.simulator.render import render
from sonar_debris.simulator.scene import SILHOUETTES, Scene

TIRE = CLASS_NAMES.index("tire")


@pytest.fixture(params=FANS)
def block_scene(request):
    """A bright block of 40 × 20 pixels around column 160, row 300, with a shadow of 60 pixels."""
    canvas = Canvas(centre=(160, 300))
    canvas.fill(box(40, 20), 45)
    canvas.block(box(40, 20))
    reflector = echo_reflector(canvas, shadow=60)
    return Scene(request.param, (reflector,), np.array([[140, 290, 181, 311]], np.float32), np.array([TIRE]))


def mean_frame(scene):
    return np.mean([render(scene, np.random.default_rng(seed)) for seed in range(12)], axis=0)


def test_an_object_is_brighter_and_its_shadow_darker_than_the_sea_floor(block_scene):
    frame = mean_frame(block_scene)
    sea_floor = np.concatenate([frame[250:310, 115:130], frame[250:310, 190:205]]).mean()
    assert frame[292:308, 145:175].mean() > sea_floor + 30
    assert frame[245:275, 150:170].mean() < sea_floor - 8


def test_the_shadow_lies_behind_the_object_and_ends(block_scene):
    frame = mean_frame(block_scene)
    shadow = frame[245:275, 150:170].mean()
    assert frame[325:345, 150:170].mean() > shadow + 8  # in front of the object, nearer to the sonar
    assert frame[190:215, 150:170].mean() > shadow + 8  # beyond the end of the shadow


def test_a_frame_is_grey_in_the_fan_and_black_outside(block_scene):
    image = render(block_scene, np.random.default_rng(0))
    assert image.dtype == np.uint8 and image.shape == (480, 320)
    assert np.array_equal(image > 0, fan_mask(block_scene.fan))


def contrasts(simulated, class_names):
    """Yield the mean of the brightest tenth, and of all pixels, in each box of the classes, less the mean around it."""
    for image, xyxy, class_ids in simulated:
        for (left, top, right, bottom), class_id in zip(xyxy.astype(int), class_ids, strict=True):
            if CLASS_NAMES[class_id] in class_names:
                surround = image[max(top - 8, 0) : bottom + 8, max(left - 8, 0) : right + 8].astype(float)
                inside = image[top:bottom, left:right]
                ring = (surround[surround > 0].sum() - inside.sum()) / (np.sum(surround > 0) - np.sum(inside > 0))
                grey = np.sort(inside[inside > 0])
                yield grey[-len(grey) // 10 :].mean() - ring, grey.mean() - ring


def test_the_same_seed_gives_the_same_frames_and_boxes():
    for frame, repeated in zip(simulate_frames(3, seed=5), simulate_frames(3, seed=5), strict=True):
        assert all(np.array_equal(array, other) for array, other in zip(frame, repeated, strict=True))


def test_a_longer_run_begins_with_the_same_frames():
    (short,), (longer, _) = simulate_frames(1, seed=5), simulate_frames(2, seed=5)
    assert np.array_equal(short[0], longer[0])


def test_frames_and_seeds_differ():
    first, second = (image for image, _, _ in simulate_frames(2, seed=5))
    other_seed, _, _ = next(simulate_frames(1, seed=6))
    assert not np.array_equal(first, second) and not np.array_equal(first, other_seed)


def test_simulating_no_frames():
    assert list(simulate_frames(0, seed=0)) == []


def test_types_and_shapes(simulated):
    for image, xyxy, class_id in simulated:
        assert (image.shape, image.dtype) == ((480, 320), np.uint8)
        assert (xyxy.shape, xyxy.dtype) == ((len(class_id), 4), np.float32)
        assert class_id.dtype == np.int64


def test_every_class_and_both_fans_are_drawn(simulated):
    fans = {next(fan for fan in FANS if np.array_equal(image > 0, fan_mask(fan))) for image, _, _ in simulated}

    assert {int(class_id) for _, _, class_ids in simulated for class_id in class_ids} == set(range(len(CLASS_NAMES)))
    assert fans == set(FANS)


def test_boxes_lie_in_the_frame_and_overlap_the_fan(simulated):
    for image, xyxy, _ in simulated:
        assert np.all(xyxy[:, :2] >= 0) and np.all(xyxy[:, 2:] <= (320, 480)) and np.all(xyxy[:, 2:] > xyxy[:, :2])
        assert all((image[top:bottom, left:right] > 0).any() for left, top, right, bottom in xyxy.astype(int))


@pytest.mark.parametrize("name", sorted({*CLASS_NAMES} - SILHOUETTES))
def test_objects_have_bright_echoes(simulated, name):
    assert np.median([brightest for brightest, _ in contrasts(simulated, {name})]) > 25


def test_silhouettes_are_darker_than_the_sea_floor_around_them(simulated):
    assert np.median([mean for _, mean in contrasts(simulated, SILHOUETTES)]) < -10


def test_grey_levels_are_distributed_as_in_recorded_frames(simulated):
    """The expected values are quantiles of all pixels in the fan of the recorded watertank frames."""
    grey = np.concatenate([image[image > 0] for image, _, _ in simulated])
    assert np.percentile(grey, [5, 25, 50, 75, 95]) == pytest.approx([31, 50, 70, 98, 146], rel=0.2)
