"""The verb on a small release, with trainings of a few batches."""

import csv
import json

import click
import pytest
from click.testing import CliRunner

from sonar_debris.classifiers.crop_classifier import CropClassifier
from sonar_debris.commands.data_options import TrainingData, choose_training_parts
from sonar_debris.commands.main import main
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.sliding_window import training as pipeline
from sonar_debris.training import TrainingConfig

TINY = ("--epochs", 1, "--steps", 2, "--batch-size", 4)


@pytest.fixture
def run(tiny_release, tmp_path):
    def invoke(what, *words):
        command = ["train", what, "--data", tiny_release, "-o", tmp_path / "run", *words]
        return CliRunner().invoke(main, [*map(str, command)])

    return invoke


def epochs(run_folder, name):
    with (run_folder / f"{name}.csv").open(newline="") as lines:
        return [row["epoch"] for row in csv.DictReader(lines)]


def test_a_classifier_of_crops(run, tmp_path):
    result = run(
        "classifier", "--source", "crops", "--split", "random", "--network", "cnn-dropout", "--size", 32, *TINY
    )

    assert result.exit_code == 0, result.output
    assert result.stdout == f"trained on crops of the random split; see {tmp_path}/run/classifier.keras\n"
    assert result.stderr.startswith("classifier epoch 1/1  accuracy ")
    classifier = CropClassifier.load(tmp_path / "run" / "classifier.keras")
    assert (classifier.class_names, classifier.size) == (("bottle", "can"), 32)
    about = json.loads((tmp_path / "run" / "classifier.json").read_text())
    assert about["network"] == "cnn-dropout"
    assert about["data"] == {"split": "random", "train": ["train"], "validation": ["val"], "simulated_frames": 0}


def test_the_random_split_of_the_crops_has_no_validation_part_to_learn_from(run):
    result = run(
        "classifier", "--source", "crops", "--split", "random", "--val-fold", "none", "--network", "cnn-dropout", *TINY
    )

    assert result.exit_code == 0, result.output


def test_a_classifier_of_frames(run, tmp_path):
    result = run("classifier", "--network", "mlp-dropout-tanh", "--size", 16, *TINY)

    assert result.exit_code == 0, result.output
    assert "reading 15 frames, simulating 0\nreading 5 frames, simulating 0\n" in result.stderr
    assert "val_loss" in result.stderr
    assert len(CropClassifier.load(tmp_path / "run" / "classifier.keras").class_names) == 11
    about = json.loads((tmp_path / "run" / "classifier.json").read_text())
    assert about["data"] == {
        "split": "scene",
        "train": ["1", "2", "4"],
        "validation": ["3"],
        "test_fold": 0,
        "simulated_frames": 0,
    }


def test_a_training_of_objectness_starts_afresh_when_it_had_been_finished(run, tmp_path):
    for _ in range(2):
        result = run("objectness", "--simulated", 1, *TINY, "--precision", "mixed_bfloat16")
        assert result.exit_code == 0, result.output

    assert "reading 15 frames, simulating 1" in result.stderr
    assert result.stdout.endswith("run/objectness.keras\n")
    assert epochs(tmp_path / "run", "objectness") == ["0"]


def test_a_pipeline_is_a_model_that_detect_takes(run, tmp_path, monkeypatch):
    tiny = pipeline.PipelineSchedules(*[TrainingConfig(epochs=1, steps=1, batch_size=2)] * 3)
    monkeypatch.setattr(pipeline.PipelineSchedules, "each_with", lambda recipe, seed, precision: tiny)

    result = run("pipeline", "--name", "mine", "--seed", 3)

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("trained on 15 frames; try: sonar-debris detect FRAMES")
    model = json.loads((tmp_path / "run" / "model.json").read_text())
    assert (model["name"], model["data"]["test_fold"], model["training"]["seed"]) == ("mine", 0, 3)
    assert set(model["figures"]) == {"validation_map50", "validation_map", "validation_f1"}
    assert DebrisDetector.from_pretrained(tmp_path / "run").name == "mine"

    # A refit learns from the validation frames too, and keeps what they had chosen.
    (tmp_path / "run").rename(tmp_path / "chosen")
    for network in (tmp_path / "chosen").glob("*.keras"):
        (tmp_path / "run").mkdir(exist_ok=True)
        network.rename(tmp_path / "run" / network.name)
    result = run("pipeline", "--refit-of", tmp_path / "chosen")

    assert result.exit_code == 0, result.output
    refitted = json.loads((tmp_path / "run" / "model.json").read_text())
    assert (refitted["name"], refitted["min_score"]) == ("run", model["min_score"])
    assert refitted["data"]["train"] == ["1", "2", "4", "3"] and refitted["data"]["validation"] == []


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
def test_wrong_usage(run, tmp_path, words, message):
    result = run(*words)

    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_no_release(tmp_path):
    result = CliRunner().invoke(main, ["train", "objectness", "--data", str(tmp_path), "-o", str(tmp_path / "run")])

    assert result.exit_code == 2
    assert result.stderr.endswith("no BoxAnnotations/*.xml; give the folder of the public release\n")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("split", "test_fold", "val_fold", "parts"),
    [
        ("scene", "0", "3", (("1", "2", "4"), ("3",))),
        ("scene", "4", "0", (("1", "2", "3"), ("0",))),
        ("scene", "4", "none", (("0", "1", "2", "3"), ())),
        ("scene", "none", "none", (("0", "1", "2", "3", "4"), ())),
        ("random", "2", "2", (("train",), ("val",))),
        ("random", "0", "none", (("train", "val"), ())),
    ],
)
def test_parts_to_learn_from_and_to_validate_on(split, test_fold, val_fold, parts):
    assert choose_training_parts(split, test_fold, val_fold) == parts


def test_a_frame_is_not_tested_and_validated_on():
    with pytest.raises(click.UsageError):
        choose_training_parts("scene", "1", "1")


@pytest.mark.parametrize(("train", "val", "held"), [("124", "3", {"test_fold": 0}), ("01234", "", {})])
def test_the_test_fold_is_the_one_held_out(tmp_path, train, val, held):
    described = TrainingData(tmp_path, "scene", tuple(train), tuple(val), 5).describe()

    assert (
        described == {"split": "scene", "train": tuple(train), "validation": tuple(val), "simulated_frames": 5} | held
    )
