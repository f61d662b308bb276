import json

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.errors import SonarDebrisError
from sonar_debris.survey.records import DetectionKey, DetectionRecord, FrameRecord
from sonar_debris.survey.store import SurveyStore
from sonar_debris.survey.suggestion import choose_frames, score_uncertainty, suggest_frames

SCORES = [0.99, 0.5, 0.5, 0.1, 0.5]


@pytest.fixture
def night(tmp_path):
    """Five images of 80 × 60 pixels; those at 1 and 2 show the same, with an equally uncertain detection."""
    rng = np.random.default_rng(0)
    layouts = [cv2.resize(rng.uniform(30, 200, (5, 5)), (60, 80), interpolation=cv2.INTER_CUBIC) for _ in range(4)]
    (tmp_path / "night").mkdir()
    with SurveyStore(tmp_path / "night") as store:
        for number, (layout, score) in enumerate(zip([0, 1, 1, 2, 3], SCORES, strict=True)):
            path = tmp_path / f"{number}.png"
            cv2.imwrite(str(path), layouts[layout].clip(1, 255).astype(np.uint8))
            source = store.add_sources([str(path)])[str(path)]
            detection = DetectionRecord(10.0, 20.0, 30.0, 40.0, "can", score, 0.9)
            with store.transaction():
                store.add_frame(source, FrameRecord(0, 80, 60, detections=[detection]))
                store.finish_source(source, None)
    return tmp_path / "night"


def test_uncertainty_is_highest_at_one_half():
    assert score_uncertainty(np.array([0.5, 0.0, 1.0])) == 0.25
    assert score_uncertainty(np.zeros(0)) == 0


def test_uncertain_frames_that_are_unlike_each_other_come_first():
    signatures = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])

    assert choose_frames(signatures, np.array([1.0, 0.9, 0.5, 0.0]), 3) == [0, 2, 3]
    assert sorted(choose_frames(signatures, np.ones(4), 9)) == [0, 1, 2, 3]
    assert choose_frames(signatures[:0], np.ones(0), 3) == []


def test_near_copies_are_not_both_suggested(night):
    with SurveyStore(night) as store:
        suggested = [frame.source - 1 for frame in suggest_frames(store, 2)]

    assert set(suggested) <= {1, 2, 4} and 4 in suggested


def test_reviewed_frames_are_not_suggested(night):
    with SurveyStore(night) as store:
        store.decide(DetectionKey(5, 0, 0), "accepted", "can")
        assert 5 not in [frame.source for frame in suggest_frames(store, 9)]
        for source in range(1, 5):
            store.decide(DetectionKey(source, 0, 0), "rejected", "can")
        with pytest.raises(SonarDebrisError, match="no frame left to label"):
            suggest_frames(store, 9)


def test_the_command_lists_frames_and_names_missing_files(night):
    (night.parent / "4.png").unlink()

    result = CliRunner().invoke(main, ["survey", "suggest", str(night), "-n", "3", "--json", str(night / "list.json")])

    assert result.exit_code == 1 and "4.png: no such file" in result.stderr
    frames = json.loads((night / "list.json").read_text())["frames"]
    assert len(frames) == 3 and frames[0]["uncertainty"] == 0.25 and "1.png" in result.stdout
