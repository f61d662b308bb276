"""The command on a small release, with trainings of a few batches."""

import csv
import json

import pytest
from click.testing import CliRunner

from sonar_debris.classifiers.crop_classifier import CropClassifier
from sonar_debris.commands.main import main
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.sliding_window.training import PipelineSchedules
from sonar_debris.training import TrainingConfig

TINY = ("--epochs", 1, "--steps", 2, "--batch-size", 4)


@pytest.fixture
def run(tiny_release, tmp_path):
    def invoke(command, *words):
        arguments = ["train", command, "--data", tiny_release, "-o", tmp_path / "run", *words]
        return CliRunner().invoke(main, [*map(str, arguments)])

    return invoke


def epochs(run_folder, name):
    with (run_folder / f"{name}.csv").open(newline="") as lines:
        return [row["epoch"] for row in csv.DictReader(lines)]


def test_classifier_is_trained_on_crops(run, tmp_path):
    result = run(
        "classifier", "--source", "crops", "--split", "random", "--network", "cnn-dropout", "--size", 32, *TINY
    )

    assert result.exit_code == 0, result.output
    assert result.stdout == f"trained on crops of the random split; see {tmp_path}/run/classifier.keras\n"
    assert result.stderr.startswith("classifier epoch 1/1  accuracy ")
    classifier = CropClassifier.load(tmp_path / "run" / "classifier.keras")
    assert (classifier.class_names, classifier.size) == (("bottle", "can"), 32)
    description = json.loads((tmp_path / "run" / "classifier.json").read_text())
    assert description["network"] == "cnn-dropout"
    assert description["data"] == {"split": "random", "train": ["train"], "validation": ["val"], "simulated_frames": 0}


def test_classifier_is_trained_on_crops_without_validation(run):
    result = run(
        "classifier", "--source", "crops", "--split", "random", "--val-fold", "none", "--network", "cnn-dropout", *TINY
    )

    assert result.exit_code == 0, result.output


def test_classifier_is_trained_on_frames(run, tmp_path):
    result = run("classifier", "--network", "mlp-dropout-tanh", "--size", 16, *TINY)

    assert result.exit_code == 0, result.output
    assert "reading 15 frames, simulating 0\nreading 5 frames, simulating 0\n" in result.stderr
    assert "val_loss" in result.stderr
    assert len(CropClassifier.load(tmp_path / "run" / "classifier.keras").class_names) == 11
    description = json.loads((tmp_path / "run" / "classifier.json").read_text())
    assert description["data"] == {
        "split": "scene",
        "train": ["1", "2", "4"],
        "validation": ["3"],
        "test_fold": 0,
        "simulated_frames": 0,
    }


def test_finished_training_of_objectness_starts_again(run, tmp_path):
    for _ in range(2):
        result = run("objectness", "--simulated", 1, *TINY, "--precision", "mixed_bfloat16")
        assert result.exit_code == 0, result.output

    assert "reading 15 frames, simulating 1" in result.stderr
    assert result.stdout.endswith("run/objectness.keras\n")
    assert epochs(tmp_path / "run", "objectness") == ["0"]


@pytest.mark.slow
def test_trained_pipeline_can_detect_and_be_refit(run, tmp_path, monkeypatch):
    tiny = PipelineSchedules(*[TrainingConfig(epochs=1, steps=1, batch_size=2)] * 3)
    monkeypatch.setattr(PipelineSchedules, "with_options", lambda schedules, seed, precision: tiny)

    result = run("pipeline", "--name", "mine", "--seed", 3)

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("trained on 15 frames; try: sonar-debris detect FRAMES")
    model = json.loads((tmp_path / "run" / "model.json").read_text())
    assert (model["name"], model["data"]["test_fold"], model["training"]["seed"]) == ("mine", 0, 3)
    assert set(model["figures"]) == {"validation_map50", "validation_map", "validation_f1"}
    assert DebrisDetector.from_pretrained(tmp_path / "run").name == "mine"

    # A refit trains on the validation frames too, and keeps the settings that they chose.
    (tmp_path / "run").rename(tmp_path / "first")
    for network in (tmp_path / "first").glob("*.keras"):
        (tmp_path / "run").mkdir(exist_ok=True)
        network.rename(tmp_path / "run" / network.name)
    result = run("pipeline", "--refit-of", tmp_path / "first")

    assert result.exit_code == 0, result.output
    refit = json.loads((tmp_path / "run" / "model.json").read_text())
    assert (refit["name"], refit["min_score"]) == ("run", model["min_score"])
    assert refit["data"]["train"] == ["1", "2", "4", "3"] and refit["data"]["validation"] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("objectness", "--test-fold", 3), "--test-fold and --val-fold must differ"),
        (("objectness", "--val-fold", 7), "'--val-fold'"),
        (("objectness", "--epochs", 0), "'--epochs'"),
        (("objectness", "--learning-rate", 0), "'--learning-rate'"),
        (("classifier", "--network", "svm"), "'--network'"),
        (("classifier", "--source", "crops"), "the scenes of the crops are unknown; use --split random"),
        (("pipeline", "--refit-of", "nowhere"), "'--refit-of'"),
    ],
)
def test_wrong_usage_is_reported(run, tmp_path, words, message):
    result = run(*words)

    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "run").exists()


def test_folder_without_a_release_is_reported(tmp_path):
    result = CliRunner().invoke(main, ["train", "objectness", "--data", str(tmp_path), "-o", str(tmp_path / "run")])

    assert result.exit_code == 2
    assert result.stderr.endswith("no BoxAnnotations/*.xml; give the folder of the public release\n")
    assert result.stderr.count("\n") == 1
