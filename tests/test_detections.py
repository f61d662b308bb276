import numpy as np
import pytest

from sonar_debris.detections import Detections

NAMES = ("can", "tire", "unknown")


def detections(count: int = 3) -> Detections:
    return Detections(
        xyxy=np.float32([[0, 0, 10, 10], [5, 5, 20, 25], [30, 30, 40, 44]])[:count],
        score=np.float32([0.9, 0.6, 0.3])[:count],
        class_id=np.array([1, 2, 0])[:count],
        objectness=np.float32([0.95, 0.8, 0.4])[:count],
        class_names=NAMES,
    )


def test_names():
    assert detections().names == ["tire", "unknown", "can"]


@pytest.mark.parametrize(
    ("index", "names"),
    [
        (slice(2), ["tire", "unknown"]),
        (np.array([2, 0]), ["can", "tire"]),
        (np.array([False, True, False]), ["unknown"]),
        (slice(0, 0), []),
        (np.zeros(0, int), []),
    ],
)
def test_selection_keeps_all_that_belongs_together(index, names):
    chosen, everything = detections()[index], detections()

    assert chosen.names == names
    assert chosen.class_names == NAMES
    assert len(chosen) == len(names)
    for part in ("xyxy", "score", "class_id", "objectness"):
        np.testing.assert_array_equal(getattr(chosen, part), getattr(everything, part)[index])


def test_two_put_together():
    some, others = detections()[::2], detections()[1:]

    together = some + others

    assert together.names == ["tire", "unknown", "can", "can"]
    assert together.score == pytest.approx([0.9, 0.6, 0.3, 0.3])
    assert together.xyxy[1].tolist() == [5, 5, 20, 25]
    assert len(some + detections(0)) == 2


def test_none_found():
    nothing = detections(0)

    assert len(nothing) == 0
    assert nothing.names == []
    assert len(nothing[nothing.score > 0.5]) == 0


@pytest.mark.parametrize("count", [0, 3])
def test_supervision_gets_everything(count):
    pytest.importorskip("supervision")

    theirs = detections(count).to_supervision()

    assert len(theirs) == count
    np.testing.assert_array_equal(theirs.xyxy, detections(count).xyxy)
    np.testing.assert_array_equal(theirs.confidence, detections(count).score)
    np.testing.assert_array_equal(theirs.class_id, detections(count).class_id)
    assert list(theirs.data["class_name"]) == detections(count).names
