import pytest

from sonar_debris.datasets.training_set import Selection, TrainingSet, choose_training_parts
from sonar_debris.errors import SonarDebrisError


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
