import warnings
from pathlib import Path

import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.training_set import (
    Selection,
    TrainingDataDescription,
    TrainingSet,
    UserTestSet,
    choose_training_parts,
)
from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning


def test_selection_describes_itself(tmp_path):
    assert str(Selection(tmp_path, "scene", ("0", "1"))) == "scene split, part 0, 1"


def test_selection_lists_the_frames_of_its_parts(tiny_release):
    parts = [Selection(tiny_release, "scene", (fold,)).labelled_frames() for fold in "01"]

    both = Selection(tiny_release, "scene", ("0", "1")).labelled_frames()

    assert {frame.name for frame in both} == {frame.name for part in parts for frame in part}
    assert [len(part) for part in parts] == [5, 5]


def test_unknown_part_is_reported(tiny_release):
    with pytest.raises(SonarDebrisError, match="no part 9"):
        Selection(tiny_release, "scene", ("9",)).labelled_frames()


@pytest.mark.parametrize(
    ("split", "test_fold", "val_fold", "parts"),
    [
        ("scene", "0", "3", (("1", "2", "4"), ("3",))),
        ("scene", "4", "0", (("1", "2", "3"), ("0",))),
        ("scene", "4", None, (("0", "1", "2", "3"), ())),
        ("scene", None, None, (("0", "1", "2", "3", "4"), ())),
        ("random", "2", "2", (("train",), ("val",))),
        ("random", "0", None, (("train", "val"), ())),
    ],
)
def test_folds_choose_the_parts_to_train_and_to_validate_on(split, test_fold, val_fold, parts):
    assert choose_training_parts(split, test_fold, val_fold) == parts


def test_test_and_validation_fold_must_differ():
    with pytest.raises(ValueError, match="must differ"):
        choose_training_parts("scene", "1", "1")


@pytest.mark.parametrize(("train", "val", "test_fold"), [("124", "3", {"test_fold": 0}), ("01234", "", {})])
def test_description_names_the_fold_left_out(tmp_path, train, val, test_fold):
    description = TrainingSet(tmp_path, "scene", tuple(train), tuple(val), 5).describe()

    parts = {"split": "scene", "train": tuple(train), "validation": tuple(val), "simulated_frames": 5}
    assert description == parts | test_fold


def test_validation_parts_can_be_merged_into_the_training_parts(tmp_path):
    merged = TrainingSet(tmp_path, "scene", ("1", "2", "4"), ("3",), 5).merge_validation()

    assert merged == TrainingSet(tmp_path, "scene", ("1", "2", "4", "3"), (), 5)


@pytest.fixture
def own_frames(tmp_path):
    """Return a test set with a can and two tires; its third class has no box."""
    frame = LabelledFrame("a", Path("a.png"), np.zeros((3, 4), np.float32), np.array([0, 1, 1]))
    return UserTestSet(tmp_path, tmp_path / "labels.json", [frame], ("can", "Tire", "anchor"))


def test_classes_are_known_regardless_of_case_and_without_a_box(own_frames):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        own_frames.check_classes(("tire", "can"), "model m")


def test_classes_that_are_not_known_are_warned_of_with_their_boxes(own_frames):
    with pytest.warns(SonarDebrisWarning, match=r"labels.json: model m does not know Tire \(2 boxes\)"):
        own_frames.check_classes(("can",), "model m")


def test_labels_without_a_known_class_are_refused(own_frames):
    with pytest.raises(SonarDebrisError, match=r"model m knows none of its classes \(Tire, can; known: anchor\)"):
        own_frames.check_classes(("anchor",), "model m")


@pytest.mark.parametrize(("labels", "overlaps"), [("labels.json", True), ("other.json", False), (None, False)])
def test_a_model_that_was_trained_on_the_same_labels_is_warned_of(own_frames, tmp_path, labels, overlaps):
    description = TrainingDataDescription.from_json({"labels": labels and str(tmp_path / "x" / ".." / labels)})
    (tmp_path / "x").mkdir()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        own_frames.warn_if_trained_on(description)
    assert bool(caught) is overlaps
