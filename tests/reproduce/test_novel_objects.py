from pathlib import Path
from types import SimpleNamespace

import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.reproduce import novel_objects

FRAMES = [
    LabelledFrame("a", Path("a.png"), np.array([[0, 0, 10, 10], [20, 20, 40, 40]], np.float32), np.array([0, 1])),
    LabelledFrame("b", Path("b.png"), np.array([[5, 5, 15, 25]], np.float32), np.array([1])),
]
PROPOSALS = [
    (np.array([[20, 20, 40, 40]], np.float32), np.array([0.9])),
    (np.zeros((0, 4), np.float32), np.zeros(0)),
]


def test_frames_that_show_a_left_out_class_are_not_trained_on(monkeypatch, tmp_path):
    training_frames = []

    class Proposer:
        def __init__(self, objectness, refiner, settings):
            pass

        def propose(self, frame):
            return PROPOSALS[frame == "b.png"]

    monkeypatch.setattr(novel_objects, "load_training_frames", training_frames.extend)
    monkeypatch.setattr(novel_objects, "train_proposer", lambda *arguments: (None, None))
    monkeypatch.setattr(novel_objects, "ObjectProposer", Proposer)
    monkeypatch.setattr(LabelledFrame, "load", lambda frame: str(frame.path))
    study = novel_objects.Study(tmp_path, tmp_path)

    result = novel_objects._measure(study, ("bottle",), FRAMES, FRAMES)

    assert [frame.name for frame in training_frames] == ["b"] and result["frames"] == 1
    assert result["recall"] == {"bottle": dict.fromkeys(novel_objects.LIMITS, 0.0)}
    assert result["objects"] == {"bottle": 1}


def test_without_a_left_out_class_all_classes_are_tested(monkeypatch, tmp_path):
    monkeypatch.setattr(novel_objects, "load_training_frames", len)
    monkeypatch.setattr(novel_objects, "train_proposer", lambda *arguments: (None, None))
    monkeypatch.setattr(
        novel_objects, "ObjectProposer", lambda *arguments: SimpleNamespace(propose=PROPOSALS.__getitem__)
    )
    monkeypatch.setattr(LabelledFrame, "load", lambda frame: frame.path.name == "b.png")

    result = novel_objects._measure(novel_objects.Study(tmp_path, tmp_path), (), FRAMES, FRAMES)

    assert result["recall"] == {
        "bottle": dict.fromkeys(novel_objects.LIMITS, 0.0),
        "can": dict.fromkeys(novel_objects.LIMITS, 0.5),
    }
    assert (result["objects"]["bottle"], result["objects"]["can"], result["objects"]["wall"]) == (1, 2, 0)


def test_table_weighs_classes_by_their_objects():
    def result(frames, hook, valve):
        recall = {
            "hook": dict.fromkeys(("10", "30", "60", "100"), hook),
            "valve": dict.fromkeys(("10", "30", "60", "100"), valve),
        }
        return {"frames": frames, "objects": {"hook": 3, "valve": 1, "tire": 0}, "recall": recall}

    table = novel_objects._recall_table(
        {(): result(9, 1.0, 1.0), ("hook", "valve"): result(5, 1.0, 0.0), ("tire",): result(7, 0, 0)}
    )

    (row,) = table.splitlines()[2:]  # a class that no test frame shows has no row
    assert [cell.strip() for cell in row.strip("|").split("|")] == ["hook, valve", "4", "5", *["75.0"] * 4, "100.0"]
