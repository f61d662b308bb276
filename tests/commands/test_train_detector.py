"""``train detector`` on a small release and on labels of the user's own, with trainings of a few batches."""

import json
import shutil

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.detectors.base import DebrisDetector

TINY = ("--epochs", 1, "--steps", 2, "--batch-size", 2)


def run(*words):
    return CliRunner().invoke(main, ["train", "detector", *map(str, words)])


@pytest.fixture
def own_labels(tmp_path):
    """Write six images of two layouts, each with a crab or a brick, and their COCO labels; return the options."""
    folder = tmp_path / "images"
    folder.mkdir()
    images, boxes = [], []
    for number in range(6):
        image = np.random.default_rng(number % 2).integers(20, 60, (64, 96), dtype=np.uint8)
        image[20:40, 30 + number : 60 + number] = 250
        cv2.imwrite(str(folder / f"{number}.png"), image)
        images.append({"id": number, "file_name": f"{number}.png", "height": 64, "width": 96})
        box = {"id": number, "image_id": number, "category_id": number % 2, "bbox": [30 + number, 20, 30, 20]}
        boxes.append(box | {"area": 600, "iscrowd": 0, "segmentation": []})
    categories = [{"id": k, "name": name, "supercategory": "none"} for k, name in enumerate(("brick", "crab"))]
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}))
    return ("--images", folder, "--labels", labels)


@pytest.fixture(scope="module")
def trained(tiny_release, tmp_path_factory):
    """Train a detector on the release; return the result of the command, and the model folder."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    return run("--data", tiny_release, "-o", folder, "--name", "mine", *TINY), folder


@pytest.mark.slow
def test_train_on_the_release(trained):
    result, folder = trained

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("trained on 15 frames; try: sonar-debris detect FRAMES")
    model = json.loads((folder / "model.json").read_text())
    assert (model["kind"], model["name"], model["data"]["test_fold"]) == ("single-pass", "mine", 0)
    assert model["training"]["batch_size"] == 2
    assert set(model["figures"]) == {"validation_map50", "validation_map", "validation_f1"}
    assert DebrisDetector.from_pretrained(folder).name == "mine"
    assert (folder / "detector.csv").is_file()


@pytest.mark.slow
def test_train_on_all_scenes_with_the_thresholds_of_another_model(trained, tiny_release, tmp_path):
    folds = ("--test-fold", "none", "--val-fold", "none")

    result = run("--data", tiny_release, *folds, "--thresholds-of", trained[1], "-o", tmp_path / "run", *TINY)

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("trained on 25 frames")
    earlier, model = (json.loads((path / "model.json").read_text()) for path in (trained[1], tmp_path / "run"))
    assert (model["min_score"], model["calibration"]) == (earlier["min_score"], earlier["calibration"])
    assert model["data"]["train"] == [*"01234"]


@pytest.mark.slow
def test_train_on_own_labels_from_trained_weights(own_labels, trained, tmp_path):
    words = ("--init", trained[1], "--patience", 1, "--tensorboard", "-o", tmp_path / "run", *TINY)
    result = run(*own_labels, *words)

    assert result.exit_code == 0, result.output
    assert DebrisDetector.from_pretrained(tmp_path / "run").class_names == ("brick", "crab", "unknown")
    model = json.loads((tmp_path / "run" / "model.json").read_text())
    assert model["data"]["frames"] + model["data"]["validation_frames"] == 6
    assert model["data"]["validation_frames"] >= 1
    assert any((tmp_path / "run" / "tensorboard").rglob("*tfevents*"))


def test_images_without_labels_are_wrong_usage(own_labels, tmp_path, monkeypatch, tiny_release):
    monkeypatch.setenv("SONAR_DEBRIS_DATA", str(tiny_release.parent))

    result = run(*own_labels[:2], "--data", tiny_release, "-o", tmp_path / "run")

    assert result.exit_code == 2
    assert "--images and --labels belong together" in result.stderr


@pytest.mark.slow
def test_a_finished_training_is_repeated_only_on_demand(trained, tiny_release, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(trained[1], folder)
    words = ("--data", tiny_release, "-o", folder, "--name", "mine", *TINY)

    result = run(*words)
    assert result.exit_code == 2 and "this training is finished; to repeat it, add --again" in result.stderr

    result = run(*words, "--again")
    assert result.exit_code == 0, result.output
    assert "validation map50: " in result.stdout and "boxes to train on; rather start from a model" in result.stderr


def test_run_folder_of_another_training_is_refused(trained, tiny_release):
    result = run("--data", tiny_release, "-o", trained[1], *TINY, "--seed", 5)

    assert result.exit_code == 2
    assert "holds a run with other options (schedule seed: 0 → 5)" in result.stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--without", "anchor"), "--without: no class anchor; choose among bottle"),
        (("--without", "hook", "--simulated", 5), "--without goes with --simulated 0"),
    ],
)
def test_classes_that_cannot_be_left_out_are_wrong_usage(tiny_release, tmp_path, words, reason):
    result = run("--data", tiny_release, "-o", tmp_path / "run", *TINY, *words)

    assert result.exit_code == 2
    assert reason in result.stderr
    assert not (tmp_path / "run").exists()


def test_simulated_frames_need_the_classes_of_the_release(own_labels, tmp_path):
    result = run(*own_labels, "--simulated", 3, "-o", tmp_path / "run", *TINY)

    assert result.exit_code == 2
    assert "--simulated needs labels of the public release's classes" in result.stderr
    assert not (tmp_path / "run").exists()
