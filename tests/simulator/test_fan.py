import numpy as np
import pytest

from sonar_debris.simulator.fan import BEAMS, FANS, SAMPLES, fan_mask, to_frame, to_polar


@pytest.mark.parametrize("fan", FANS)
def test_a_frame_is_black_outside_the_fan_and_filled_inside(fan):
    frame = to_frame(fan, np.full((SAMPLES, BEAMS), 7, np.uint8))
    assert np.array_equal(frame == 7, fan_mask(fan))
    assert np.array_equal(frame == 0, ~fan_mask(fan))


@pytest.mark.parametrize("fan", FANS)
def test_range_grows_upwards_and_beams_run_from_left_to_right(fan):
    samples, beams = np.indices((SAMPLES, BEAMS), dtype=np.float32)
    middle_column = to_frame(fan, samples)[:, 160][fan_mask(fan)[:, 160]]
    middle_row = to_frame(fan, beams)[240][fan_mask(fan)[240]]
    assert np.all(np.diff(middle_column) <= 0) and middle_column[0] > 280 and middle_column[-1] == 0
    assert np.all(np.diff(middle_row) >= 0) and middle_row[0] == 0 and middle_row[-1] == BEAMS - 1


@pytest.mark.parametrize("fan", FANS)
def test_scan_conversion_and_its_inverse_keep_the_samples(fan):
    ramp = np.indices((SAMPLES, BEAMS)).sum(axis=0).astype(np.float32)
    back = to_polar(fan, to_frame(fan, ramp))
    inner = (slice(5, -5), slice(5, -5))
    assert np.abs(back - ramp)[inner].max() < 3


def test_a_fan_matches_the_fan_of_a_recorded_frame(real_data):
    """The non-zero pixels of the first frame match a fan, except for its rim and a few black pixels."""
    cv2 = pytest.importorskip("cv2")
    image = cv2.imread(
        str(real_data / "watertank-segmentation/Images/marine-debris-aris3k-0.png"), cv2.IMREAD_GRAYSCALE
    )
    assert min(np.mean((image > 0) != fan_mask(fan)) for fan in FANS) < 0.01
