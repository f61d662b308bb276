import shutil

import pytest

from sonar_debris.detectors.model_folder import find_model
from sonar_debris.errors import SonarDebrisError
from sonar_debris.reproduce import pipelines
from sonar_debris.reproduce.study import Study


@pytest.fixture
def study(tiny_release, tmp_path):
    return Study(tiny_release, tmp_path / "results" / "study")


def names(frames):
    return {frame.name for frame in frames}


@pytest.mark.parametrize("split", pipelines.SPLITS)
def test_training_and_test_frames_are_disjoint(study, split):
    train, test = pipelines.split_frames(study, split)

    assert train and test and not names(train) & names(test)
    if split == "scene":  # whole scenes: the first digit of the name
        assert not {name[-2] for name in names(train)} & {name[-2] for name in names(test)}


@pytest.mark.parametrize(("quick", "frames", "expected"), [(False, 50, 50), (True, 50, 25), (True, 3, 3), (True, 0, 0)])
def test_quick_study_takes_about_twenty_frames(tmp_path, quick, frames, expected):
    assert len(pipelines.subsample(Study(tmp_path, tmp_path, quick), range(frames))) == expected


def test_pipeline_of_the_scene_split_is_the_shipped_model_without_score_threshold(study):
    detector = pipelines.load_pipeline(study, "scene")

    assert (detector.name, detector.min_score) == ("sliding-window", 0.0)
    assert str(detector.settings.data["test_fold"]) == pipelines.SCENE_FOLD


def test_trained_pipeline_is_kept_and_refused_by_a_study_with_other_settings(study, monkeypatch):
    trained = []
    shipped = find_model(pipelines.SCENE_MODEL)

    def train(frames, val, class_names, schedules, folder):
        trained.append(len(frames))
        for network in shipped.glob("*.keras"):
            shutil.copy(network, folder)

    monkeypatch.setattr(pipelines, "train_networks", train)
    monkeypatch.setattr(pipelines, "calibrate", lambda folder, settings, val: settings)

    for _ in range(2):
        assert pipelines.load_pipeline(study, "random").name == "random"
    assert trained == [17]  # 70 % of 25 frames, once

    with pytest.raises(SonarDebrisError, match="other options .quick: "):
        pipelines.load_pipeline(Study(study.root, study.folder, quick=True), "random")
