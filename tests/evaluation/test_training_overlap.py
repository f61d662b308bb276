import pytest

from sonar_debris.evaluation.cross_validation import training_overlap

SCENE = {"split": "scene", "test_fold": 0}
RANDOM = {"split": "random"}


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
def test_any_other_part_is_warned_of(data, split, parts):
    assert "not honest" in training_overlap(data, split, parts)


@pytest.mark.parametrize("data", [{}, {"split": "scene"}, {"split": "everything"}])
def test_a_model_that_does_not_say_is_warned_of(data):
    assert "does not say" in training_overlap(data, "scene", ("0",))
