import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sonar_debris.boxes import centre_and_extent
from sonar_debris.windows import Window, extract_windows

RNG = np.random.default_rng(0)
IMAGE = RNG.normal(size=(60, 80)).astype(np.float32)


def ellipse(xyxy: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """1 in the ellipse inside a box ``(4,)``, 0 elsewhere; pixel i covers [i, i + 1)."""
    centre, radius = (xyxy[:2] + xyxy[2:]) / 2, (xyxy[2:] - xyxy[:2]) / 2
    y, x = np.indices(shape) + 0.5
    return np.float32(((x - centre[0]) / radius[0]) ** 2 + ((y - centre[1]) / radius[1]) ** 2 < 1)


def measure_ellipse(view: np.ndarray, extent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre and extent of the ellipse in a view, in frame pixels from the view's top left corner.

    Whichever way an ellipse is turned, its extent along an axis is four standard deviations.
    """
    y, x = np.indices(view.shape) + 0.5
    points = np.stack([x, y]) / len(view) * extent[:, None, None]
    weight = view / view.sum()
    centre = (points * weight).sum((1, 2))
    return centre, 4 * np.sqrt(((points - centre[:, None, None]) ** 2 * weight).sum((1, 2)))


@settings(max_examples=80, derandomize=True)
@given(
    centre=st.tuples(st.floats(100, 140), st.floats(100, 140)),
    radii=st.tuples(st.floats(20, 40), st.floats(20, 40)),
    offset=st.tuples(st.floats(-15, 15), st.floats(-15, 15)),
    extent=st.tuples(st.floats(120, 240), st.floats(120, 240)),
    angle=st.floats(-np.pi, np.pi),
    mirror=st.booleans(),
    size=st.sampled_from([64, 96, 200]),  # what the networks take, and more
)
def test_object_shows_where_its_box_is_placed(centre, radii, offset, extent, angle, mirror, size):
    """The training targets are placed boxes: were they not where the cut shows the object, boxes would be off."""
    centre, radii, offset, extent = map(np.array, (centre, radii, offset, extent))
    xyxy = np.concatenate([centre - radii, centre + radii])
    window = Window(centre + offset, extent, angle, mirror)

    view = window.extract(ellipse(xyxy, (240, 240)), size)

    (placed_centre,), (placed_extent,) = centre_and_extent(window.to_window(xyxy[None]))
    seen_centre, seen_extent = measure_ellipse(view, extent)
    np.testing.assert_allclose(placed_centre, seen_centre, atol=0.2)
    np.testing.assert_allclose(placed_extent, seen_extent, atol=2)  # sampling blurs, and so widens, a little


@pytest.mark.parametrize("mirror", [False, True])
def test_window_places_itself_at_its_corner(mirror):
    window = Window(np.array([40.0, 30.0]), np.array([20.0, 10.0]), mirror=mirror)

    np.testing.assert_allclose(window.to_window(np.array([[30, 25, 50, 35]])), [[0, 0, 20, 10]], atol=1e-6)


def test_no_boxes_are_placed():
    assert Window(np.zeros(2), np.ones(2), 0.1, True).to_window(np.zeros((0, 4))).shape == (0, 4)


@pytest.mark.parametrize(("left", "top", "size"), [(0, 0, 60), (7, 11, 32), (5, 3, 31), (79, 59, 1)])
def test_cut_at_the_frames_own_scale_gives_its_pixels(left, top, size):
    window = Window(np.array([left + size / 2, top + size / 2]), np.array([size, size]))

    np.testing.assert_array_equal(window.extract(IMAGE, size), IMAGE[top : top + size, left : left + size])


def test_mirrored_cut_is_the_cut_mirrored():
    centre, extent = np.array([40.0, 30.0]), np.array([20.0, 20.0])

    np.testing.assert_array_equal(
        Window(centre, extent, mirror=True).extract(IMAGE, 20), Window(centre, extent).extract(IMAGE, 20)[:, ::-1]
    )


def test_window_turned_by_a_right_angle_has_its_x_axis_down_the_frame():
    centre, extent = np.array([40.0, 30.0]), np.array([20.0, 20.0])

    turned = Window(centre, extent, np.pi / 2).extract(IMAGE, 20)

    np.testing.assert_allclose(turned, IMAGE[20:40, 30:50].T[::-1], atol=1e-5)


def test_beyond_the_border_is_zero():
    view = Window(np.array([0.0, 0.0]), np.array([20.0, 20.0])).extract(IMAGE, 20)

    np.testing.assert_array_equal(view[10:, 10:], IMAGE[:10, :10])
    assert not view[:10].any()
    assert not view[:, :10].any()


@pytest.mark.parametrize("centre", [(-500.0, 30.0), (40.0, 900.0)])
@pytest.mark.parametrize("extent", [20.0, 200.0])
def test_cut_of_a_far_off_window_is_zero(centre, extent):
    assert not Window(np.array(centre), np.full(2, extent)).extract(IMAGE, 20).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 3)])
@pytest.mark.parametrize("extent", [0.5, 3.0, 4000.0])
def test_tiny_frames_can_be_cut(shape, extent):
    view = Window(np.array(shape[::-1]) / 2, np.full(2, extent)).extract(np.ones(shape, np.float32), 16)

    assert view.shape == (16, 16)
    assert view.dtype == np.float32
    assert ((view >= 0) & (view <= 1.0001)).all()


def test_shrinking_averages():
    """Every pixel of the frame takes part in a strong reduction: noise averages out, a level stays."""
    noise = RNG.normal(5, 1, (1024, 1024)).astype(np.float32)

    view = Window(np.array([512.0, 512.0]), np.array([1024.0, 1024.0])).extract(noise, 16)[2:-2, 2:-2]

    np.testing.assert_allclose(view, 5, atol=0.3)


def test_shrinking_keeps_the_place():
    ramp = np.tile(np.arange(1024, dtype=np.float32), (1024, 1)) + 0.5

    view = Window(np.array([512.0, 512.0]), np.array([512.0, 512.0])).extract(ramp, 16)

    np.testing.assert_allclose(view[0], 256 + (np.arange(16) + 0.5) * 32, atol=0.6)


def test_boxes_are_cut_and_stretched():
    crops = extract_windows(
        IMAGE, np.array([[10, 20, 26, 36], [-300, -300, -200, -200], [0, 0, 80, 60]], np.float32), 16
    )

    assert crops.shape == (3, 16, 16, 1)
    assert crops.dtype == np.float32
    np.testing.assert_array_equal(crops[0, ..., 0], IMAGE[20:36, 10:26])
    assert not crops[1].any()


def test_no_boxes_give_no_windows():
    assert extract_windows(IMAGE, np.zeros((0, 4), np.float32), 16).shape == (0, 16, 16, 1)
