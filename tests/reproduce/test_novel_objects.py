from pathlib import Path
from types import SimpleNamespace

import numpy as np

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.reproduce import novel_objects

FRAMES = [
    LabelledFrame("a", Path("a.png"), np.array([[0, 0, 10, 10], [20, 20, 40, 40]], np.float32), np.array([0, 1])),
    LabelledFrame("b", Path("b.png"), np.array([[5, 5, 15, 25]], np.float32), np.array([1])),
]
FOUND = [
    (np.array([[20, 20, 40, 40]], np.float32), np.array([0.9])),
    (np.zeros((0, 4), np.float32), np.zeros(0)),
]


def test_frames_that_show_a_hidden_class_are_not_learnt_from(monkeypatch, tmp_path):
    learnt = []

    class Proposer:
        def __init__(self, objectness, refiner, settings):
            pass

        def propose(self, frame):
            return FOUND[frame == "b.png"]

    monkeypatch.setattr(novel_objects, "load_training_frames", learnt.extend)
    monkeypatch.setattr(novel_objects, "train_proposer", lambda *arguments: (None, None))
    monkeypatch.setattr(novel_objects, "ObjectProposer", Proposer)
    monkeypatch.setattr(novel_objects, "open_frames", lambda path: iter([str(path)]))
    study = novel_objects.Study(tmp_path, tmp_path)

    cell = novel_objects._run(study, ("bottle",), FRAMES, FRAMES)

    assert [frame.name for frame in learnt] == ["b"] and cell["frames"] == 1
    assert cell["recall"] == {"bottle": dict.fromkeys(novel_objects.LIMITS, 0.0)}
    assert cell["objects"] == {"bottle": 1}


def test_with_no_class_left_out_every_class_is_asked_for(monkeypatch, tmp_path):
    monkeypatch.setattr(novel_objects, "load_training_frames", len)
    monkeypatch.setattr(novel_objects, "train_proposer", lambda *arguments: (None, None))
    monkeypatch.setattr(novel_objects, "ObjectProposer", lambda *arguments: SimpleNamespace(propose=FOUND.__getitem__))
    monkeypatch.setattr(novel_objects, "open_frames", lambda path: iter([path.name == "b.png"]))

    cell = novel_objects._run(novel_objects.Study(tmp_path, tmp_path), (), FRAMES, FRAMES)

    assert cell["recall"] == {
        "bottle": dict.fromkeys(novel_objects.LIMITS, 0.0),
        "can": dict.fromkeys(novel_objects.LIMITS, 0.5),
    }
    assert (cell["objects"]["bottle"], cell["objects"]["can"], cell["objects"]["wall"]) == (1, 2, 0)


def test_the_table_weighs_by_objects():
    def cell(frames, hook, valve):
        recall = {
            "hook": dict.fromkeys(("10", "30", "60", "100"), hook),
            "valve": dict.fromkeys(("10", "30", "60", "100"), valve),
        }
        return {"frames": frames, "objects": {"hook": 3, "valve": 1, "tire": 0}, "recall": recall}

    table = novel_objects._table(
        {(): cell(9, 1.0, 1.0), ("hook", "valve"): cell(5, 1.0, 0.0), ("tire",): cell(7, 0, 0)}
    )

    (row,) = table.splitlines()[2:]  # nothing is said of a class that no test frame shows
    assert [cell.strip() for cell in row.strip("|").split("|")] == ["hook, valve", "4", "5", *["75.0"] * 4, "100.0"]
