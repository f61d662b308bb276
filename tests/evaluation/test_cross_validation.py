from pathlib import Path
from types import SimpleNamespace

import pytest

from sonar_debris.datasets.training_set import Selection, TrainingDataDescription
from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning
from sonar_debris.evaluation.calibration import IDENTITY
from sonar_debris.evaluation.cross_validation import (
    assign_frames,
    run_detectors,
    select_frames,
    training_overlap,
    uncalibrated,
)

SCENE = TrainingDataDescription("scene", "0")
RANDOM = TrainingDataDescription("random", "test")


@pytest.fixture
def release(tiny_release, tmp_path):
    """Return the tiny release with a split: the 5 frames of scene S are fold S."""
    root = tmp_path / "release"
    root.mkdir()
    (root / "watertank-segmentation").symlink_to(tiny_release / "watertank-segmentation")
    rows = [f"frame-{scene}{copy},{scene},{scene},test" for scene in range(5) for copy in range(5)]
    (root / "splits").mkdir()
    (root / "splits" / "frames.csv").write_text("\n".join(["frame,scene,fold,random", *rows]))
    return root


def detector(fold):
    """Return a detector that was trained without a fold, and that reports its name and the frame's."""
    return SimpleNamespace(
        name=f"model-{fold}",
        settings=SimpleNamespace(training_data=TrainingDataDescription("scene", str(fold))),
        detect=lambda frame: (f"model-{fold}", Path(frame.name).stem),
        with_settings=lambda **changes: changes,
    )


def test_each_model_of_a_cross_validation_runs_on_its_test_fold(release):
    parts = assign_frames([detector(1), detector(0)], Selection(release, "scene", ("0", "1")))
    calls = []

    results = run_detectors(parts, lambda model: model.detect, lambda done, total: calls.append((done, total)))

    assert results == [[(f"model-{fold}", f"frame-{fold}{copy}") for copy in range(5)] for fold in range(2)]
    assert calls == [(done, 10) for done in range(1, 11)]


def test_a_single_model_runs_on_all_frames_with_a_warning_of_the_overlap(release):
    with pytest.warns(SonarDebrisWarning, match="overlaps the training data"):
        (part,) = assign_frames([detector(0)], Selection(release, "scene", ("0", "1")))

    assert len(part.frames) == 10


@pytest.mark.parametrize(
    ("folds", "split", "parts"),
    [
        ((0, 1), "scene", ("0", "2")),  # fold 2 was in the training of both
        ((0, 0), "scene", ("0",)),  # two models for one fold
        ((0, 1), "random", ("test",)),
    ],
)
def test_several_models_need_one_model_per_fold(release, folds, split, parts):
    with pytest.raises(SonarDebrisError, match="one model per --fold.*model-0: 0"):
        assign_frames([detector(fold) for fold in folds], Selection(release, split, parts))


def test_a_part_without_frames_is_an_error(release):
    (release / "splits" / "frames.csv").write_text("frame,scene,fold,random\nother,0,0,test\n")

    with pytest.raises(SonarDebrisError, match="no labelled frame in scene split, part 0"):
        select_frames(Selection(release, "scene", ("0",)))


def test_an_uncalibrated_detector_has_the_scores_of_its_networks_and_no_alternatives():
    assert uncalibrated(detector(0)) == {"calibration": IDENTITY, "alternative_max_score": 0.0}


@pytest.mark.parametrize(("data", "split", "parts"), [(SCENE, "scene", ("0",)), (RANDOM, "random", ("test",))])
def test_held_out_parts_need_no_warning(data, split, parts):
    assert training_overlap(data, split, parts) is None


@pytest.mark.parametrize(
    ("data", "split", "parts"),
    [
        (SCENE, "scene", ("1",)),
        (SCENE, "scene", ("0", "1")),
        (SCENE, "random", ("test",)),
        (RANDOM, "random", ("val",)),
        (RANDOM, "scene", ("0",)),
    ],
)
def test_any_other_part_gets_a_warning(data, split, parts):
    assert "overlaps the training data" in training_overlap(data, split, parts)


@pytest.mark.parametrize("data", [{}, {"split": "scene"}, {"split": "everything"}])
def test_a_model_that_does_not_record_its_training_data_gets_a_warning(data):
    assert "does not record" in training_overlap(TrainingDataDescription.from_json(data), "scene", ("0",))
