from dataclasses import replace

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


def test_names_are_those_of_the_class_indices():
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
def test_selection_applies_to_every_array(index, names):
    selected, all_detections = detections()[index], detections()

    assert selected.names == names
    assert selected.class_names == NAMES
    assert len(selected) == len(names)
    for part in ("xyxy", "score", "class_id", "objectness", "alternative"):
        np.testing.assert_array_equal(getattr(selected, part), getattr(all_detections, part)[index])


def test_merged_detections_are_sorted_by_score():
    first, second = detections()[::2], detections()[1:]

    merged = Detections.merge([first, second])

    assert merged.names == ["tire", "unknown", "can", "can"]
    assert merged.score == pytest.approx([0.9, 0.6, 0.3, 0.3])
    assert merged.xyxy[1].tolist() == [5, 5, 20, 25]
    assert len(Detections.merge([first, detections(0)])) == 2


def test_merge_keeps_the_mark_of_alternatives():
    marked = replace(detections()[:2], alternative=np.array([False, True]))

    merged = Detections.merge([detections()[2:], marked])

    assert merged.alternative.tolist() == [False, True, False]


def test_no_detection_is_an_alternative_by_default():
    assert detections().alternative.tolist() == [False] * 3
    assert detections(0).alternative.shape == (0,)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"xyxy": np.zeros((3, 5))}, r"xyxy must have the shape \(N, 4\). Received: \(3, 5\)"),
        ({"score": np.zeros(2)}, r"score must have the shape \(3,\).* Received: \(2,\)"),
        ({"alternative": np.zeros(2, bool)}, r"alternative must have the shape"),
        ({"class_id": np.array([0, 1, 3])}, r"class_id must lie in \[0, 3\). Received: 0 to 3"),
        ({"class_id": np.array([0, -1, 2])}, r"class_id must lie in \[0, 3\). Received: -1 to 2"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        replace(detections(), **changed)


@pytest.mark.parametrize("parts", [[], [detections(), replace(detections(), class_names=("a", "b", "unknown"))]])
def test_merge_refuses_different_class_names(parts):
    with pytest.raises(ValueError, match="Received:"):
        Detections.merge(parts)


def test_empty_detections():
    empty = detections(0)

    assert len(empty) == 0
    assert empty.names == []
    assert len(empty[empty.score > 0.5]) == 0


@pytest.mark.parametrize("count", [0, 3])
def test_supervision_gets_every_array(count):
    pytest.importorskip("supervision")

    converted = detections(count).to_supervision()

    assert len(converted) == count
    np.testing.assert_array_equal(converted.xyxy, detections(count).xyxy)
    np.testing.assert_array_equal(converted.confidence, detections(count).score)
    np.testing.assert_array_equal(converted.class_id, detections(count).class_id)
    assert list(converted.data["class_name"]) == detections(count).names
