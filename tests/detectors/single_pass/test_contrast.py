import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonar_debris.detectors.single_pass.contrast import (
    FEATURES,
    MIN_OBJECTNESS,
    contrast_features,
    object_probability,
)

BOX = np.float32([[20, 20, 40, 40]])
HALF = np.float32([0.5])
# Brightness alone.
WEIGHTS = (-3.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def floor(rows=64, cols=64, seed=0):
    image = np.random.default_rng(seed).normal(0, 1, (rows, cols)).astype(np.float32)
    return np.where(image == 0, 1e-3, image)


def features(image, xyxy=BOX, objectness=HALF):
    return dict(zip(FEATURES, contrast_features(image, xyxy, objectness).T, strict=True))


def test_an_echo_is_brighter_than_the_floor_and_a_shadow_is_darker():
    plain, echo, shadow = floor(), floor(), floor()
    echo[24:36, 24:36] += 4
    shadow[24:36, 24:36] -= 3

    assert abs(features(plain)["mean"][0]) < 0.5
    assert features(echo)["bright"] > features(plain)["bright"] + 2
    assert features(shadow)["dark"] > features(plain)["dark"] + 1.5


def test_contrast_does_not_depend_on_the_level_of_the_floor():
    image = floor()
    image[24:36, 24:36] += 4

    first, second = contrast_features(image, BOX, HALF), contrast_features(3 * image + 7, BOX, HALF)

    np.testing.assert_allclose(first[:, 1:4], second[:, 1:4], rtol=0.1)


def test_the_fan_is_told_from_the_area_around_it():
    image = floor()
    image[:, :20] = 0

    values = features(image)

    assert values["box_in_fan"] == 1.0 and values["ring_in_fan"] == pytest.approx(1 - 8 * 36 / (36 * 36 - 400))
    assert values["log_area"] == pytest.approx(np.log(400)) and values["objectness"] == pytest.approx(0.0)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.lists(st.tuples(*[st.floats(-50, 90, width=32)] * 4), max_size=4),
    st.sampled_from(["noise", "flat", "outside"]),
)
def test_any_box_in_any_image_has_a_probability(rows, cols, corners, kind):
    image = {"noise": floor(rows, cols), "flat": np.ones((rows, cols), np.float32), "outside": np.zeros((rows, cols))}
    xyxy = np.sort(np.float32(corners).reshape(-1, 2, 2), axis=1).reshape(-1, 4)
    objectness = np.linspace(0, 1, len(xyxy), dtype=np.float32)

    probability = object_probability(image[kind].astype(np.float32), xyxy, objectness, [0.1] * (1 + len(FEATURES)))

    assert probability.shape == (len(xyxy),) and probability.dtype == np.float32
    assert ((probability >= 0) & (probability <= 1)).all()


def test_boxes_without_objectness_are_not_examined():
    image = floor()
    image[24:36, 24:36] += 6
    objectness = np.float32([0.5, MIN_OBJECTNESS / 2])

    probability = object_probability(image, np.repeat(BOX, 2, axis=0), objectness, WEIGHTS)

    assert probability[0] > 0.5 and probability[1] == 0
