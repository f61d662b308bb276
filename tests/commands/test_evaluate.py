"""``sonar-debris evaluate`` on a small release of three frames and two crops, with detectors of known output."""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.datasets.training_set import TrainingDataDescription
from sonar_debris.detections import Detections

BOXES = {"frame-0": [4, 4, 20, 10], "frame-1": [30, 8, 12, 12], "frame-2": [2, 2, 9, 9]}


@pytest.fixture
def release(tmp_path):
    """Return a release: frames 0 and 1 in fold 0, frame 2 in fold 1, a can in each; crops of a bottle and of a can."""
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
    def invoke(*arguments):
        command = ["evaluate", *arguments, "--data", str(release), "--json", str(tmp_path / "out" / "figures.json")]
        return CliRunner().invoke(main, command)

    return invoke


@pytest.fixture
def figures(tmp_path):
    return lambda: json.loads((tmp_path / "out" / "figures.json").read_text())


def bright_is_can(images):
    """Return probabilities of can, bottle and wall: a bright crop is a can, a dark crop a wall."""
    return np.array([[0.8, 0.1, 0.1] if image.mean() > 0.5 else [0.1, 0.1, 0.8] for image in images])


@pytest.fixture
def classifier(monkeypatch):
    """Return the classifier that is loaded from any file."""
    network = SimpleNamespace(class_names=("can", "bottle", "wall"), predict=bright_is_can)
    monkeypatch.setattr("sonar_debris.classifiers.crop_classifier.CropClassifier.load", lambda path: network)
    return network


@pytest.fixture
def model(monkeypatch, classifier):
    """Load a detector of test fold 0 for any name; it detects the object of frame 0 in every frame.

    The detector has the attributes ``loaded``: names and thresholds of the calls that loaded it, and ``changes``: the
    settings that were changed before it ran.
    """
    xyxy, score = np.array([[4, 4, 24, 14]], np.float32), np.array([0.9], np.float32)
    detections = Detections(xyxy, score, np.array([0]), score, ("can", "unknown"))
    detector = SimpleNamespace(
        detect=lambda frame: detections,
        propose=lambda frame: (xyxy, score),
        classifier=classifier,
        settings=SimpleNamespace(training_data=TrainingDataDescription("scene", "0"), class_names=("can",)),
        name="mine",
        reports=lambda detections: detections.score >= (detector.loaded[-1][1] or 0.5),
        loaded=[],
        changes=[],
    )

    def with_settings(**changes):
        detector.changes.append(changes)
        return detector

    detector.with_settings = with_settings

    def load(name, min_score):
        detector.loaded.append((name, min_score))
        return detector

    monkeypatch.setattr("sonar_debris.commands.evaluate.load_detector", load)
    monkeypatch.setattr("sonar_debris.commands.evaluation_data.load_detector", load)
    return detector


def test_detections_of_a_model(run, model, figures):
    result = run("detections", "--model", "mine")

    assert result.exit_code == 0, result.output
    assert model.loaded == [("mine", None)]
    assert model.changes == [{"min_score": 0.0}]  # every score: the curve must be complete
    assert "2 frames of scene split, part 0: 2 detections with a class, 0 unknown" in result.stdout
    assert result.stderr == ""
    assert figures()["ap50"] == pytest.approx(
        {"can": 51 / 101}
    )  # right once: at equal scores the detection of the first frame
    assert figures()["recall50"]["10"] == 0.5
    assert (figures()["scored"], figures()["split"], figures()["parts"]) == ("mine", "scene", ["0"])


@pytest.mark.parametrize("choice", [["--fold", "1"], ["--fold", "0", "--fold", "1"], ["--split", "random"]])
@pytest.mark.parametrize("command", ["detections", "proposals"])
def test_a_part_seen_in_training_gets_a_warning(run, model, command, choice):
    result = run(command, *choice)

    assert result.exit_code == 0, result.output
    assert "warning: the test data overlaps the training data" in result.stderr


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
    (tmp_path / "predictions.coco.json").write_text(json.dumps(coco))
    result = run("detections", "--predictions", str(tmp_path / "predictions.coco.json"))

    assert result.exit_code == 0, result.output
    assert "1 frames are not listed, e.g. frame-0" in result.stderr
    assert figures()["frames_missing"] == ["frame-0"]
    assert figures()["best"] == pytest.approx({"threshold": 0.5, "precision": 1, "recall": 0.5, "f1": 2 / 3})


@pytest.mark.parametrize("command", ["detections", "proposals"])
def test_the_froc_is_printed_and_drawn(run, model, figures, tmp_path, command):
    result = run(command, "-o", str(tmp_path / "pictures"))

    assert result.exit_code == 0, result.output
    assert "FROC: class-agnostic recall at IoU 0.5" in result.stdout
    # One object is found in one frame, at the score of the false box of the other.
    recall = {"0.1": 0, "0.5": 0.5, "1": 0.5, "2": 0.5, "5": 0.5}
    reported = {"recall": 0.5, "precision": 0.5, "false_per_frame": 0.5} if command == "detections" else None
    assert figures()["froc"] == {"all objects": {"boxes": 2, "recall": recall, "reported": reported}}
    assert (tmp_path / "pictures" / "froc.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("arguments", "recall"), [([], 0.5), (["--min-score", "0.9"], 0.5), (["--min-score", "1"], 0)])
def test_the_threshold_of_the_reported_objects_is_the_models_or_that_of_the_user(
    run, model, figures, arguments, recall
):
    result = run("detections", *arguments)

    assert result.exit_code == 0, result.output
    assert figures()["froc"]["all objects"]["reported"]["recall"] == recall


def test_the_models_of_a_cross_validation_get_the_thresholds_of_another(run, model):
    names = ("calibration", "min_score", "unknown_min_score", "object_weights", "alternative_max_score")
    vars(model.settings).update(dict.fromkeys(names, 0.25))
    result = run("detections", "--thresholds-of", "shipped")

    assert result.exit_code == 0, result.output
    assert [name for name, _ in model.loaded] == ["single-pass", "shipped"]
    assert model.changes == [dict.fromkeys(names, 0.25), {"min_score": 0.0}]


def test_ignore_regions_give_every_figure_twice(run, model, figures, tmp_path):
    audit = {
        "images": [{"id": 1, "file_name": "frame-1.png"}],
        "annotations": [{"image_id": 1, "bbox": [4, 4, 20, 10]}],  # what the model detects there is debris
    }
    (tmp_path / "audit.json").write_text(json.dumps(audit))

    result = run("detections", "--ignore", str(tmp_path / "audit.json"))

    assert result.exit_code == 0, result.output
    labelled, audited = figures()["froc"]["all objects"], figures()["froc"]["all objects, audited"]
    assert (labelled["recall"]["0.1"], audited["recall"]["0.1"]) == (0, 0.5)
    assert (labelled["reported"]["precision"], audited["reported"]["precision"]) == (0.5, 1)
    assert (figures()["best"]["precision"], figures()["audited"]["best"]["precision"]) == (0.5, 1)
    assert "by the labels" in result.stdout and "audited" in result.stdout


def test_excluded_classes_must_be_classes_of_the_labels(run, model):
    result = run("detections", "--exclude", "walls")

    assert result.exit_code == 2
    assert "--exclude: no class walls; choose among" in result.stderr
    assert model.loaded == []


def test_an_audit_of_other_frames_is_refused_before_the_model_runs(run, model, tmp_path):
    (tmp_path / "audit.json").write_text('{"images": [{"id": 1, "file_name": "other.png"}], "annotations": []}')

    result = run("proposals", "--ignore", str(tmp_path / "audit.json"))

    assert result.exit_code == 2
    assert "audit.json: lists none of the 2 frames, e.g. frame-0" in result.stderr
    assert model.loaded == []


def test_detections_without_low_scores_are_warned_of(run, tmp_path):
    coco = {
        "images": [{"id": number, "file_name": f"frame-{number}.png"} for number in range(2)],
        "categories": [{"id": 1, "name": "can"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": BOXES["frame-1"], "score": 0.411}],
    }
    (tmp_path / "predictions.json").write_text(json.dumps(coco))

    result = run("detections", "--predictions", str(tmp_path / "predictions.json"))

    assert "no score is below 0.411, so recall ends at 0 false boxes per frame" in result.stderr
    assert "Reported at" not in result.stdout  # the file does not say with which threshold it was written


@pytest.fixture
def own_labels(tmp_path):
    """Return a function that writes two images in subfolders and their labels, and returns the options for them."""

    def write(*class_names):
        for name in ("a/frame-0", "b/frame-1"):
            (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(tmp_path / "own" / f"{name}.png"), np.zeros((48, 64), np.uint8))
        annotations = [
            {"id": number, "image_id": number, "category_id": number, "bbox": BOXES[f"frame-{number}"]}
            for number in range(2)
        ]
        coco = {
            "images": [{"id": 0, "file_name": "a/frame-0.png"}, {"id": 1, "file_name": "b/frame-1.png"}],
            "categories": [{"id": number, "name": name} for number, name in enumerate(class_names)],
            "annotations": annotations,
        }
        (tmp_path / "own.json").write_text(json.dumps(coco))
        return ["--images", str(tmp_path / "own"), "--labels", str(tmp_path / "own.json")]

    return write


@pytest.fixture
def run_own(tmp_path):
    def invoke(*arguments):
        command = ["evaluate", *arguments, "--json", str(tmp_path / "out" / "figures.json")]
        return CliRunner().invoke(main, command)

    return invoke


def test_ones_own_labels_are_evaluated_without_the_release(run_own, own_labels, model, figures, tmp_path, monkeypatch):
    monkeypatch.delenv("SONAR_DEBRIS_DATA", raising=False)
    result = run_own("detections", *own_labels("Can", "can "))

    assert result.exit_code == 0, result.output
    assert figures()["boxes"] == {"Can": 2}  # one class, in the first spelling
    assert figures()["froc"]["all objects"]["recall"]["1"] == 0.5
    assert figures()["labels"] == str(tmp_path / "own.json")
    assert "overlap" not in result.stderr


def test_classes_that_the_model_does_not_know_are_named(run_own, own_labels, model, figures):
    result = run_own("detections", *own_labels("can", "anchor"))

    assert result.exit_code == 0, result.output
    assert "own.json: model mine does not know anchor (1 boxes)" in result.stderr
    assert figures()["ap50"]["anchor"] == 0


def test_labels_of_which_the_model_knows_no_class_are_refused_for_detections_only(run_own, own_labels, model):
    options = own_labels("mine", "anchor")
    result = run_own("detections", *options)

    assert result.exit_code == 2
    assert "own.json: model mine knows none of its classes (anchor, mine; known: can); rename" in result.stderr
    assert run_own("proposals", *options).exit_code == 0


def test_a_model_trained_on_the_same_labels_gets_a_warning(run_own, own_labels, model, tmp_path):
    model.settings.training_data = TrainingDataDescription(labels=str(tmp_path / "own.json"))

    assert "own.json: the model was trained on these labels" in run_own("detections", *own_labels("can", "x")).stderr


def test_stored_detections_are_paired_with_ones_own_frames_in_subfolders(run_own, own_labels, figures, tmp_path):
    coco = {
        "images": [{"id": 1, "file_name": "frame-1.png"}, {"id": 2, "file_name": "frame-0.png"}],
        "categories": [{"id": 1, "name": "can"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": BOXES["frame-1"], "score": 0.01}],
    }
    (tmp_path / "predictions.json").write_text(json.dumps(coco))

    result = run_own("detections", *own_labels("can", "Can"), "--predictions", str(tmp_path / "predictions.json"))

    assert result.exit_code == 0, result.output
    assert (figures()["frames_missing"], figures()["recall50"]["10"]) == ([], 0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--images", "."], "--images and --labels belong together"),
        (["--images", ".", "--labels", ".", "--fold", "1"], "choose frames of the release; leave out --images"),
        (["--images", ".", "--labels", "."], "the folder holds no images"),
    ],
)
def test_options_for_ones_own_labels_are_checked(run_own, model, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = run_own("detections", *arguments)

    assert result.exit_code == 2
    assert message in result.stderr.replace("\n", " ")


def test_several_models_need_folds(run_own, own_labels, model):
    result = run_own("detections", *own_labels("can", "Can"), "--model", "a", "--model", "b")

    assert result.exit_code == 2
    assert "give one --model with --images" in result.stderr


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
    assert model.loaded == [("mine", 0.0)]
    assert figures()["accuracy"] == 0.5


def test_a_classifier_that_does_not_record_its_training_data_gets_a_warning(run, classifier, tmp_path):
    (tmp_path / "net.json").write_text("{}")

    assert "does not record what it was trained on" in run("classifier", "--model", str(tmp_path / "net.keras")).stderr


def test_a_model_without_a_classifier_is_refused(run, model):
    del model.classifier
    result = run("classifier", "--model", "single-pass")

    assert result.exit_code == 2
    assert result.stderr == (
        "error: single-pass: the model has no crop classifier; "
        "choose a sliding-window model or a classifier.keras file\n"
    )


def test_the_shipped_single_pass_model_has_no_classifier(run):
    result = run("classifier", "--model", "single-pass")

    assert result.exit_code == 2
    assert "single-pass: the model has no crop classifier" in result.stderr


def test_a_classifier_of_other_classes_is_an_error(run, model, classifier):
    classifier.class_names = ("can",)
    result = run("classifier", "--model", "mine")

    assert result.exit_code == 2
    assert "the classifier has no class bottle" in result.stderr


def test_no_data_is_one_line(monkeypatch):
    monkeypatch.delenv("SONAR_DEBRIS_DATA", raising=False)
    result = CliRunner().invoke(main, ["evaluate", "detections"])

    assert result.exit_code == 2
    assert result.stderr.startswith("error: no labelled data: give --data") and result.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["detections"], ["proposals"], ["classifier"]])
def test_help_has_an_example(arguments):
    result = CliRunner().invoke(main, ["evaluate", *arguments, "--help"])

    assert result.exit_code == 0
    assert "sonar-debris evaluate" in result.stdout
