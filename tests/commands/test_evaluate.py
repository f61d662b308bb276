"""The verb on a small release of two frames and two crops, with detectors whose answers are known."""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.detections import Detections

BOXES = {"frame-0": [4, 4, 20, 10], "frame-1": [30, 8, 12, 12], "frame-2": [2, 2, 9, 9]}


@pytest.fixture
def release(tmp_path):
    """Frames 0 and 1 are of fold 0, frame 2 of fold 1; one can a frame and, of the crops, a bottle and a can."""
    folder = tmp_path / "release"
    for sub in ("BoxAnnotations", "Images"):
        (folder / "watertank-segmentation" / sub).mkdir(parents=True)
    for name, box in BOXES.items():
        bndbox = "".join(f"<{key}>{value}</{key}>" for key, value in zip("xywh", box, strict=True))
        xml = f"<annotation><object><name>Can</name><bndbox>{bndbox}</bndbox></object></annotation>"
        (folder / "watertank-segmentation" / "BoxAnnotations" / f"{name}.xml").write_text(xml)
        cv2.imwrite(str(folder / "watertank-segmentation" / "Images" / f"{name}.png"), np.zeros((48, 64), np.uint8))
    for k, name in enumerate(("bottle", "can")):
        (folder / "watertank-cropped" / name).mkdir(parents=True)
        crop = np.full((6, 4), 255 * k, np.uint8)
        cv2.imwrite(str(folder / "watertank-cropped" / name / f"{name}-0.png"), crop)
    (folder / "splits").mkdir()
    frames = "frame,scene,fold,random\nframe-0,a,0,test\nframe-1,b,0,train\nframe-2,c,1,train\n"
    (folder / "splits" / "frames.csv").write_text(frames)
    (folder / "splits" / "crops.csv").write_text("crop,fold,random\nbottle-0,0,test\ncan-0,0,test\n")
    return folder


@pytest.fixture
def run(release, tmp_path):
    def invoke(*words):
        command = ["evaluate", *words, "--data", str(release), "--json", str(tmp_path / "out" / "figures.json")]
        return CliRunner().invoke(main, command)

    return invoke


@pytest.fixture
def figures(tmp_path):
    return lambda: json.loads((tmp_path / "out" / "figures.json").read_text())


def bright_is_can(images):
    """Probabilities of can, bottle and wall: a bright crop is a can, a dark one a wall."""
    return np.array([[0.8, 0.1, 0.1] if image.mean() > 0.5 else [0.1, 0.1, 0.8] for image in images])


@pytest.fixture
def classifier(monkeypatch):
    """What every classifier's file holds."""
    network = SimpleNamespace(class_names=("can", "bottle", "wall"), predict=bright_is_can)
    monkeypatch.setattr("sonar_debris.classifiers.crop_classifier.CropClassifier.load", lambda path: network)
    return network


@pytest.fixture
def model(monkeypatch, classifier):
    """A model whose test fold is 0 and which finds the object of frame 0 in every frame; tells how it was loaded."""
    xyxy, sure = np.array([[4, 4, 24, 14]], np.float32), np.array([0.9], np.float32)
    found = Detections(xyxy, sure, np.array([0]), sure, ("can", "unknown"))
    detector = SimpleNamespace(
        detect=lambda frame: found,
        propose=lambda frame: (xyxy, sure),
        classifier=classifier,
        settings=SimpleNamespace(data={"split": "scene", "test_fold": 0}),
    )
    asked = []

    def load(name, min_score):
        asked.append((name, min_score))
        return detector

    monkeypatch.setattr("sonar_debris.commands.cross_validation.load_detector", load)
    return asked


def test_detections_of_a_model(run, model, figures):
    result = run("detections", "--model", "mine")

    assert result.exit_code == 0, result.output
    assert model == [("mine", 0.0)]  # every score: the curve must be whole
    assert "2 frames of scene split, part 0: 2 named detections, 0 unknown" in result.stdout
    assert result.stderr == ""
    assert figures()["ap50"] == pytest.approx({"can": 51 / 101})  # right once, at equal score the first frame's
    assert figures()["recall50"]["10"] == 0.5
    assert (figures()["scored"], figures()["split"], figures()["parts"]) == ("mine", "scene", ["0"])


@pytest.mark.parametrize("choice", [["--fold", "1"], ["--fold", "0", "--fold", "1"], ["--split", "random"]])
@pytest.mark.parametrize("verb", ["detections", "proposals"])
def test_a_part_seen_in_training_is_warned_of(run, model, verb, choice):
    result = run(verb, *choice)

    assert result.exit_code == 0, result.output
    assert "warning: these figures are not honest" in result.stderr


def test_proposals(run, model, figures):
    result = run("proposals")

    assert result.exit_code == 0, result.output
    assert "2 frames of scene split, part 0: 2 proposals" in result.stdout
    assert figures()["recall50"] == {"10": 0.5, "30": 0.5, "60": 0.5, "100": 0.5}


def test_detections_of_a_file(run, tmp_path, figures):
    coco = {
        "images": [{"id": 1, "file_name": "dive/frame-1.png"}],
        "categories": [{"id": 1, "name": "can"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": BOXES["frame-1"], "score": 0.5}],
    }
    (tmp_path / "found.coco.json").write_text(json.dumps(coco))
    result = run("detections", "--predictions", str(tmp_path / "found.coco.json"))

    assert result.exit_code == 0, result.output
    assert "1 frames not in" in result.stderr
    assert figures()["frames_missing"] == ["frame-0"]
    assert figures()["best"] == pytest.approx({"threshold": 0.5, "precision": 1, "recall": 0.5, "f1": 2 / 3})


def test_classifier_of_a_file(run, classifier, tmp_path, figures):
    (tmp_path / "net.json").write_text(json.dumps({"data": {"split": "random"}}))
    result = run("classifier", "--model", str(tmp_path / "net.keras"), "--split", "random", "--part", "test")

    assert result.exit_code == 0, result.output
    assert "2 crops of random split, part test" in result.stdout
    assert result.stderr == ""
    assert figures()["accuracy"] == 0.5
    assert figures()["confusion"] == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_classifier_of_a_model(run, model, figures):
    result = run("classifier", "--model", "mine")

    assert result.exit_code == 0, result.output
    assert model == [("mine", 0.0)]
    assert figures()["accuracy"] == 0.5


def test_a_classifier_that_does_not_say_its_training_is_warned_of(run, classifier, tmp_path):
    (tmp_path / "net.json").write_text("{}")

    assert "does not say what it was trained on" in run("classifier", "--model", str(tmp_path / "net.keras")).stderr


def test_a_classifier_of_other_classes_is_an_error(run, model, classifier):
    classifier.class_names = ("can",)
    result = run("classifier", "--model", "mine")

    assert result.exit_code == 2
    assert "does not know the class bottle" in result.stderr


def test_no_data_is_one_line(monkeypatch):
    monkeypatch.delenv("SONAR_DEBRIS_DATA", raising=False)
    result = CliRunner().invoke(main, ["evaluate", "detections"])

    assert result.exit_code == 2
    assert result.stderr.startswith("error: no labelled data: give --data") and result.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [[], ["detections"], ["proposals"], ["classifier"]])
def test_help_has_an_example(words):
    result = CliRunner().invoke(main, ["evaluate", *words, "--help"])

    assert result.exit_code == 0
    assert "sonar-debris evaluate" in result.stdout
