import numpy as np
import pytest

from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.errors import SonarDebrisError

SIZES = [(120, 160), (1, 1), (90, 40), (120, 160), (1, 200), (130, 100)]


def assert_sound(detections, shape) -> None:
    """Whatever the networks say, these hold."""
    rows, cols = shape
    assert np.isfinite(detections.xyxy).all()
    assert (detections.xyxy >= 0).all()
    assert (detections.xyxy <= [cols, rows, cols, rows]).all()
    assert (detections.xyxy[:, :2] < detections.xyxy[:, 2:]).all()
    for part in (detections.score, detections.objectness):
        assert part.dtype == np.float32
        assert ((part >= 0) & (part <= 1)).all()
    assert (np.diff(detections.score) <= 0).all()
    assert detections.xyxy.dtype == np.float32
    assert detections.class_id.dtype == np.int64
    assert len(detections.names) == len(detections.xyxy)


def assert_same(a, b) -> None:
    np.testing.assert_allclose(a.xyxy, b.xyxy, atol=1e-3)
    np.testing.assert_allclose(a.score, b.score, atol=1e-4)
    np.testing.assert_array_equal(a.class_id, b.class_id)


def test_batch_of_mixed_sizes_is_each_frame_alone(detector, make_frame):
    frames = [make_frame(*size) for size in SIZES]

    together = detector.detect_batch(frames)

    assert len(together) == len(frames)
    assert len(together[0])
    for frame, detections in zip(frames, together, strict=True):
        assert_sound(detections, frame.image.shape)
        assert_same(detector.detect(frame), detections)


def test_batch_of_no_frames(detector):
    assert detector.detect_batch([]) == []


@pytest.mark.parametrize("value", [0, 0.1, 1])
def test_flat_frame(value, detector, make_frame):
    assert_sound(detector.detect(make_frame(image=np.full((100, 120), value, np.float32))), (100, 120))


def test_gain_makes_no_difference(detector, make_frame):
    frame = make_frame(120, 160)

    assert_same(detector.detect(make_frame(image=frame.image * 40)), detector.detect(frame))


def test_frame_is_left_as_it_was(detector, make_frame):
    frame = make_frame(120, 160)
    before = frame.image.copy()

    detector.detect(frame)

    np.testing.assert_array_equal(frame.image, before)


def test_min_score_is_kept(detector, with_settings, make_frame):
    everything = detector.detect(make_frame(120, 160))
    threshold = float(np.median(everything.score))

    some = with_settings(min_score=threshold).detect(make_frame(120, 160))

    assert 0 < len(some) < len(everything)
    assert some.score.min() >= threshold
    assert_same(some, everything[everything.score >= threshold])


def test_nothing_reaches_a_score_above_one(with_settings, make_frame):
    nothing = with_settings(min_score=1.01).detect(make_frame(120, 160))

    assert nothing.xyxy.shape == (0, 4)
    assert nothing.names == []


@pytest.mark.parametrize(("min_probability", "unknown"), [(1.0, True), (0.0, False)])
def test_unsure_class_is_unknown(min_probability, unknown, with_settings, make_frame):
    detections = with_settings(min_probability=min_probability).detect(make_frame(120, 160))

    assert len(detections)
    assert {name == "unknown" for name in detections.names} == {unknown}


def test_candidates_and_overlap_limit_the_detections(with_settings, make_frame):
    assert len(with_settings(candidates=2).detect(make_frame(120, 160))) <= 2
    assert len(with_settings(candidates=0).detect(make_frame(120, 160))) == 0


def test_proposals_are_sorted_and_in_the_frame(detector, make_frame):
    boxes, objectness = detector.propose(make_frame(120, 160))

    assert len(boxes) == len(objectness) > 0
    assert (np.diff(objectness) <= 0).all()
    assert ((objectness >= 0) & (objectness <= 1)).all()
    assert ((boxes >= 0) & (boxes <= [160, 120, 160, 120])).all()


def test_names_and_threshold_come_from_the_model(detector):
    assert detector.name == "untrained"
    assert detector.min_score == 0
    assert detector.class_names == (*detector.settings.class_names, "unknown")


def test_users_min_score_wins(untrained_model):
    assert DebrisDetector.from_pretrained(untrained_model, min_score=0.7).min_score == 0.7


@pytest.mark.parametrize("min_score", [-0.1, 1.1, float("nan")])
def test_min_score_out_of_range(min_score, untrained_model):
    with pytest.raises(ValueError, match=rf"min_score must lie in \[0, 1\]. Received: {min_score}"):
        DebrisDetector.from_pretrained(untrained_model, min_score=min_score)


def test_unknown_model():
    with pytest.raises(SonarDebrisError, match="no such model"):
        DebrisDetector.from_pretrained("no-such-model")


def test_model_of_a_strange_kind(tmp_path):
    (tmp_path / "model.json").write_text('{"format_version": 1, "kind": "crystal-ball"}')

    with pytest.raises(SonarDebrisError, match="kind 'crystal-ball' is not one of single-pass, sliding-window"):
        DebrisDetector.from_pretrained(tmp_path)


def test_scores_are_calibrated(detector, with_settings, make_frame):
    before = detector.detect(make_frame(120, 160))

    after = with_settings(calibration=((0.0, 1.0), (0.0, 0.5))).detect(make_frame(120, 160))

    np.testing.assert_allclose(after.score, before.score / 2, rtol=1e-4)
