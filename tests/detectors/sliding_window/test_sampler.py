"""The position of a window is read from its content: one frame shows x in every pixel, another shows y."""

import cv2
import numpy as np
import pytest

from sonar_debris.boxes import apply_offsets
from sonar_debris.datasets.training_frames import TrainingFrame, training_frame
from sonar_debris.detectors.sliding_window.networks import REFINER_CONTEXT
from sonar_debris.detectors.sliding_window.sampler import WindowSampler, iou_ramp

SIDE = 900
BOXES = np.array([[400, 420, 460, 500], [520, 430, 580, 470]], np.float32)
NO_BOXES = np.zeros((0, 4), np.float32), np.zeros(0, int)


def ramps():
    """Return samplers of the same windows over a frame that shows x and one that shows y; 0 is outside."""
    across = np.tile(np.arange(1, SIDE + 1, dtype=np.float32), (SIDE, 1))
    frames = (TrainingFrame(image, BOXES, np.zeros(len(BOXES), int)) for image in (across, across.T))
    return [WindowSampler([frame], augmented=False) for frame in frames]


def drawn_boxes(draw, count):
    """Yield windows inside the frame, as xyxy in its pixels, and their targets."""
    for seed in range(count):
        (x, target), (y, _) = (draw(sampler, np.random.default_rng(seed)) for sampler in ramps())
        if (x > 0).all():
            (left, right), (top, bottom) = edges(x[0, :, 0]), edges(y[:, 0, 0])
            yield np.array([left, top, right, bottom]), target


def edges(profile):
    """Return where a window begins and ends: half a sample beyond the first and the last value of the ramp."""
    half = (profile[-1] - profile[0]) / (len(profile) - 1) / 2
    return profile[0] - 0.5 - half, profile[-1] - 0.5 + half


def overlap(a, b):
    width, height = (min(a[k + 2], b[k + 2]) - max(a[k], b[k]) for k in (0, 1))
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def ellipses(count=1, heights=(30, 60), side=400):
    """Return dark frames, each with a bright ellipse that fills its box."""
    rng = np.random.default_rng(count)
    frames = []
    for _ in range(count):
        image = np.zeros((side, side), np.float32)
        (x, y), w, h = rng.integers(150, 250, 2), rng.integers(30, 60), rng.integers(*heights)
        cv2.ellipse(image, (int(x), int(y)), (int(w), int(h)), 0, 0, 360, 8, -1)
        box = np.array([[x - w, y - h, x + w + 1, y + h + 1]], np.float32)
        frames.append(TrainingFrame(image, box, np.array([3])))
    return frames


@pytest.mark.parametrize(
    ("value", "target"), [(0, 0), (0.2, 0), (0.35, 0.25), (0.5, 0.5), (0.8, 1), (1, 1)], ids=lambda v: str(v)
)
def test_iou_ramp(value, target):
    assert iou_ramp(np.array(value)) == pytest.approx(target)


def test_iou_ramp_of_no_boxes():
    assert iou_ramp(np.zeros(0)).shape == (0,)


def test_objectness_is_the_ramp_of_the_best_iou():
    drawn = list(drawn_boxes(WindowSampler.objectness, 150))

    assert len(drawn) > 100
    for box, target in drawn:
        best = max(overlap(box, truth) for truth in BOXES)
        assert target == pytest.approx(min(max((best - 0.2) / 0.6, 0), 1), abs=0.03)


def test_objectness_shows_background_and_all_overlaps():
    rng = np.random.default_rng(0)
    sampler = WindowSampler(ellipses(4))

    windows, targets = zip(*(sampler.objectness(rng) for _ in range(300)), strict=True)

    assert {(window.shape, window.dtype) for window in windows} == {((96, 96, 1), np.dtype(np.float32))}
    assert np.isfinite(windows).all()
    counts = np.histogram(targets, [0, 1e-9, 1 / 3, 2 / 3, 1])[0]
    assert counts[0] > 100
    assert (counts[1:] > 10).all()


def test_refinement_target_transforms_the_window_into_the_box():
    objects = backgrounds = 0
    for view, target in drawn_boxes(WindowSampler.refinement, 150):
        centre, extent = (view[:2] + view[2:]) / 2, (view[2:] - view[:2]) / REFINER_CONTEXT
        window = np.concatenate([centre - extent / 2, centre + extent / 2])
        overlaps = [overlap(window, truth) for truth in BOXES]
        if target[4]:
            (box,) = apply_offsets(window[None], target[None, :4])
            np.testing.assert_allclose(box, BOXES[np.argmax(overlaps)], atol=2)
            objects += 1
        else:
            np.testing.assert_array_equal(target, 0)
            assert max(overlaps) < 0.27
            backgrounds += 1
    assert objects > 50 and backgrounds > 10


@pytest.mark.parametrize("augmented", [False, True])
def test_refinement_target_fits_the_object_in_the_crop(augmented):
    """A box bounds its ellipse in any pose, so the bright pixels show where the box is."""
    # Flat ellipses: a rotation changes their height.
    sampler, margin = WindowSampler(ellipses(6, heights=(9, 14)), augmented), 32 * (1 - 1 / REFINER_CONTEXT)
    proposal = np.array([[margin, margin, 64 - margin, 64 - margin]])
    checked = 0
    for seed in range(80):
        view, target = sampler.refinement(np.random.default_rng(seed))
        (box,) = apply_offsets(proposal, target[None, :4])
        if target[4] and (box > 2).all() and (box < 62).all():
            bright = cv2.medianBlur(view[..., 0], 3) > (view.min() + view.max()) / 2
            rows, cols = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
            np.testing.assert_allclose(box, [cols[0], rows[0], cols[-1] + 1, rows[-1] + 1], atol=2.5)
            checked += 1
    assert checked > 20


def test_background_shows_no_object():
    for seed in range(100):
        _, window, overlaps = WindowSampler(ellipses(3))._draw_background(np.random.default_rng(seed))
        assert overlaps.max() < 0.3
        assert (window.extent > 30).all()


def test_frames_without_a_box_give_background():
    empty = TrainingFrame(np.full((300, 300), 5, np.float32), *NO_BOXES)
    sampler = WindowSampler([*ellipses(), empty], augmented=False)

    drawn = [sampler.objectness(np.random.default_rng(seed)) for seed in range(60)]

    from_empty = [target for window, target in drawn if (window[40:56, 40:56] == 5).all()]
    assert len(from_empty) > 5
    assert not any(from_empty)


@pytest.mark.parametrize(("size", "augmented"), [(32, False), (64, False), (64, True)])
def test_crop_shows_an_object_of_its_class(size, augmented):
    """Class 2 is striped and class 5 is plain, also after rotation, mirroring and speckle."""
    image = np.zeros((200, 300), np.float32)
    for stripe in range(0, 80, 16):
        image[60:140, 40 + stripe : 48 + stripe] = 9
    image[60:140, 180:260] = 9
    boxes = np.array([[40, 60, 120, 140], [180, 60, 260, 140]], np.float32)
    sampler = WindowSampler([TrainingFrame(image, boxes, np.array([2, 5]))], augmented)
    classes = set()

    for seed in range(40):
        crop, class_id = sampler.classification(np.random.default_rng(seed), size)
        middle = cv2.blur(crop[..., 0], (3, 3))[size // 3 : -size // 3, size // 3 : -size // 3]
        assert class_id == (2 if np.ptp(middle) > 1.5 else 5) or augmented
        assert crop.shape == (size, size, 1)
        assert (crop.mean(), crop.std()) == pytest.approx((0, 1), abs=1e-3)
        classes.add(class_id)

    assert classes == {2, 5}


def test_proposals_without_an_object_are_background():
    """One of two proposals is on the object, so only the other, which is flat, is drawn as background."""
    image = np.zeros((100, 200), np.float32)
    image[20:60, 20:60:8] = 9
    proposals = np.array([[20, 20, 60, 60], [120, 20, 160, 60]], np.float32)
    frame = TrainingFrame(image, proposals[:1], np.array([0]), proposals)
    sampler = WindowSampler([frame], augmented=False, background_class=3)

    drawn = [sampler.classification(np.random.default_rng(seed)) for seed in range(80)]

    assert {class_id for _, class_id in drawn} == {0, 3}
    assert all((class_id == 3) == (np.ptp(crop) == 0) for crop, class_id in drawn)
    assert 5 < sum(class_id == 3 for _, class_id in drawn) < 40


def test_refinement_draws_proposals_of_an_earlier_stage():
    image = np.zeros((100, 200), np.float32)
    proposals = np.array([[22, 22, 62, 62]], np.float32)
    boxes = np.array([[20, 20, 60, 60]], np.float32)
    sampler = WindowSampler([TrainingFrame(image, boxes, np.array([0]), proposals)], augmented=False)

    targets = [sampler.refinement(np.random.default_rng(seed))[1] for seed in range(60)]

    expected = [-0.05, -0.05, 0, 0, 1]
    assert sum(np.allclose(target, expected, atol=1e-6) for target in targets) > 10


def test_crop_without_augmentation_is_always_the_same():
    sampler = WindowSampler(ellipses(), augmented=False)

    first, second = (sampler.classification(np.random.default_rng(seed))[0] for seed in (1, 2))

    np.testing.assert_array_equal(first, second)


def test_augmented_crops_differ():
    sampler = WindowSampler(ellipses())

    first, second = (sampler.classification(np.random.default_rng(seed))[0] for seed in (1, 2))

    assert np.abs(first - second).max() > 0.1


def test_rare_classes_are_drawn_more_often_than_their_frequency():
    boxes = np.tile(np.float32([[50, 50, 90, 90]]), (10, 1))
    frame = training_frame(np.eye(128, dtype=np.float32), boxes, np.array([0] * 9 + [1]))
    sampler, rng = WindowSampler([frame], augmented=False), np.random.default_rng(0)

    drawn = [sampler.classification(rng, 16)[1] for _ in range(400)]

    # Nine boxes and one weigh √9 : √1.
    assert np.mean(drawn) == pytest.approx(0.25, abs=0.07)


@pytest.mark.parametrize("frames", [[], [training_frame(np.eye(100, dtype=np.float32), *NO_BOXES)]])
def test_frames_without_any_box_are_refused(frames):
    with pytest.raises(ValueError, match="frames must hold at least one box. Received none"):
        WindowSampler(frames)
