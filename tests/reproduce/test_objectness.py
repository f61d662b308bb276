from pathlib import Path

import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.errors import SonarDebrisError
from sonar_debris.reproduce import objectness
from sonar_debris.reproduce.study import Study

FRAMES = [
    LabelledFrame("a", Path("a.png"), np.array([[0, 0, 10, 10], [20, 20, 40, 40]], np.float32), np.array([0, 1])),
    LabelledFrame("b", Path("b.png"), np.array([[5, 5, 15, 25]], np.float32), np.array([2])),
]


def test_recall_by_number_of_proposals_and_by_iou():
    away = np.full((9, 4), [50, 50, 60, 60], np.float32)
    # In frame a the first proposal fits an object exactly, and the tenth the other with IoU 0.5; frame b has none.
    proposals = [np.concatenate([[[0, 0, 10, 10]], away[:8], [[20, 20, 40, 30]]]).astype(np.float32), away[:0]]

    recall = objectness._recall(FRAMES, proposals)

    by_count = dict(zip(objectness.LIMITS, recall["by_count"], strict=True))
    assert [by_count[n] for n in (1, 3, 10, 60)] == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3])
    assert recall["by_iou"] == pytest.approx([2 / 3] + [1 / 3] * 9)


def test_proposals_of_peers_are_assigned_to_frames_by_name(tmp_path):
    study = Study(tmp_path, tmp_path)
    objectness._write_frame_names(study, "random", FRAMES)
    np.savez(
        tmp_path / "peers" / "random-edge-boxes.npz",
        frames=["b", "a"],
        xyxy=np.array([[1, 1, 2, 2], [3, 3, 4, 4], [5, 5, 6, 6]], np.int16),
        ends=[1, 3],
    )

    assert (tmp_path / "peers" / "random.txt").read_text().split() == ["a", "b"]
    (boxes,) = objectness._read_peers(study, "random", FRAMES).values()
    assert [xyxy.tolist() for xyxy in boxes] == [[[3, 3, 4, 4], [5, 5, 6, 6]], [[1, 1, 2, 2]]]
    assert objectness._read_peers(study, "scene", FRAMES) == {}


@pytest.mark.parametrize("content", [b"", b"text", "frames missing", "frame a missing"])
def test_damaged_file_of_a_peer_is_refused(tmp_path, content):
    path = tmp_path / "random-edge-boxes.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        frames = {"frames": ["b"]} if content.startswith("frame a") else {}
        np.savez(path, xyxy=np.zeros((1, 4), np.int16), ends=[1], **frames)

    with pytest.raises(SonarDebrisError, match="random-edge-boxes.npz: does not hold the proposals for these frames"):
        objectness._read_peer(path, FRAMES)


def test_table_of_published_recall():
    table = objectness._published_table()

    assert "| objectness" in table and "94.0" in table and "97.0" in table
