import json
from dataclasses import replace

import numpy as np
import pytest

from sonar_debris.datasets.labels import LabelledFrame
from sonar_debris.datasets.release import CLASS_NAMES
from sonar_debris.datasets.training_set import TrainingSet
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.model_folder import SinglePassSettings
from sonar_debris.detectors.single_pass.network import build_single_pass
from sonar_debris.detectors.single_pass.training import (
    DetectorData,
    copy_weights,
    public_data,
    train_detector,
    user_data,
)
from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning
from sonar_debris.frames.conditions import SonarConditions
from sonar_debris.frames.geometry import FanGeometry
from sonar_debris.frames.sidecar import write_sidecar
from sonar_debris.simulator import simulate_frames
from sonar_debris.simulator.ground_truth import simulate
from sonar_debris.training import TrainingConfig

NAMES = ("brick", "crab")
ONE_STEP = TrainingConfig(epochs=1, steps=1, batch_size=2)


@pytest.fixture(autouse=True)
def small_network(monkeypatch):
    """Build a network of few layers: tracing the full one takes most of the time of a training of one step."""
    monkeypatch.setattr("sonar_debris.detectors.single_pass.network.TRUNK_WIDTHS", ((4,), (4,), (4,), (4,)))
    monkeypatch.setattr("sonar_debris.detectors.single_pass.network.FUSED_WIDTH", 4)


@pytest.fixture
def labelled(write_frame):
    """Return a function that writes a frame and labels it: with one box, or none."""

    def label(name, boxes=1):
        box = np.array([[20, 10, 50, 40]] * boxes, np.float32).reshape(-1, 4)
        return LabelledFrame(name, write_frame(f"{name}.png", shape=(64, 96)), box, np.zeros(boxes, np.int64))

    return label


@pytest.fixture
def data(labelled):
    return DetectorData([labelled("a"), labelled("b")], [], NAMES, {"frames": 2})


def test_a_detector_is_trained_without_validation_frames(data, tmp_path):
    progress = []

    folder = train_detector(
        data, str(tmp_path / "my-model"), ONE_STEP, progress=lambda done, total: progress.append((done, total))
    )

    detector = DebrisDetector.from_pretrained(folder)
    assert (detector.name, detector.class_names) == ("my-model", (*NAMES, "unknown"))
    assert detector.detect(data.train[0].load()).class_names == detector.class_names
    assert progress == [(1, 1)]
    model = json.loads((folder / "model.json").read_text())
    assert (model["data"], model["figures"]) == ({"frames": 2}, {})
    assert model["training"]["steps"] == 1 and "command" not in model["training"]


def test_scores_are_calibrated_on_validation_frames(data, labelled, tmp_path):
    data = replace(data, val=[labelled("c")])

    folder = train_detector(data, tmp_path / "run", ONE_STEP, name="mine", command="sonar-debris train detector")

    model = json.loads((folder / "model.json").read_text())
    assert set(model["figures"]) == {"validation_map50", "validation_map", "validation_f1"}
    assert (model["name"], model["training"]["command"]) == ("mine", "sonar-debris train detector")


@pytest.mark.slow
def test_validation_frames_without_objects_give_a_warning(data, labelled, tmp_path):
    data = replace(data, val=[labelled("c", boxes=0)])

    with pytest.warns(SonarDebrisWarning, match="no validation frame shows an object"):
        folder = train_detector(data, tmp_path / "run", ONE_STEP)

    assert DebrisDetector.from_pretrained(folder).min_score == 0.3


@pytest.mark.slow
def test_simulated_frames_are_read_once(data, tmp_path):
    data = replace(data, class_names=CLASS_NAMES, description={"simulated_frames": 1})

    folder = train_detector(data, tmp_path / "run", ONE_STEP, simulated=simulate_frames(1, seed=0))

    assert json.loads((folder / "options.json").read_text())["simulated"] == 1


@pytest.mark.slow
def test_other_options_or_data_do_not_resume_a_training(data, tmp_path):
    train_detector(data, tmp_path / "run", ONE_STEP)

    with pytest.raises(SonarDebrisError, match=r"other options \(schedule seed: 0 → 1"):
        train_detector(data, tmp_path / "run", replace(ONE_STEP, seed=1))
    with pytest.raises(SonarDebrisError, match=r"other options \(frames: 2 → 3\)"):
        train_detector(replace(data, description={"frames": 3}), tmp_path / "run", ONE_STEP)


@pytest.mark.slow
def test_thresholds_of_a_model_with_other_classes_are_kept(data, tmp_path):
    earlier = train_detector(data, tmp_path / "earlier", ONE_STEP)
    settings = DebrisDetector.from_pretrained(earlier).settings
    replace(settings, min_score=0.123).save(earlier / "model.json")
    data = replace(data, class_names=("brick", "crab", "rope"))

    folder = train_detector(data, tmp_path / "run", ONE_STEP, init=earlier, thresholds_from=earlier)

    detector = DebrisDetector.from_pretrained(folder)
    assert (detector.name, detector.min_score) == ("run", 0.123)
    assert detector.class_names == ("brick", "crab", "rope", "unknown")


@pytest.mark.parametrize("option", ["init", "thresholds_from"])
def test_a_missing_model_leaves_no_run_folder(option, data, tmp_path):
    with pytest.raises(SonarDebrisError, match="no such model"):
        train_detector(data, tmp_path / "run", ONE_STEP, **{option: "no-such-model"})

    assert not (tmp_path / "run").exists()


def test_no_training_frames_are_an_error(data, tmp_path):
    with pytest.raises(SonarDebrisError, match="no frames to train on"):
        train_detector(replace(data, train=[]), tmp_path / "run", ONE_STEP)


def test_weights_are_copied_except_those_of_the_classes():
    source, target = build_single_pass(2), build_single_pass(3)
    before = [weight.copy() for weight in target.get_weights()]

    copy_weights(source, target)

    for old, new, copied in zip(before, target.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(new, copied if copied.shape == new.shape else old)


def test_own_labels_are_divided_into_training_and_validation_frames(tmp_path):
    pytest.importorskip("supervision")
    simulate(tmp_path / "practice", frames=6, seed=1)

    data = user_data(str(tmp_path / "practice"), tmp_path / "practice" / "truth.coco.json")

    assert data.class_names == CLASS_NAMES
    assert len(data.train) + len(data.val) == 6 and len(data.val) >= 1
    assert data.description["frames"] == len(data.train)
    json.dumps(data.description)


def test_frames_of_a_class_left_out_are_not_in_the_data(tiny_release):
    training_set, tire = TrainingSet(tiny_release, "scene", tuple("0124"), ("3",)), CLASS_NAMES.index("tire")

    all_data, data = public_data(training_set), public_data(training_set, ("tire",))

    without = [frame.name for frame in all_data.train if tire not in frame.class_id]
    assert [frame.name for frame in data.train] == without
    assert 0 < len(without) < len(all_data.train)
    assert not any(tire in frame.class_id for frame in [*data.val, *data.pasted_objects])
    assert data.description == training_set.describe() | {"without": ["tire"]}


def test_an_unknown_class_cannot_be_left_out(tiny_release):
    with pytest.raises(ValueError, match="Received: anchor"):
        public_data(TrainingSet(tiny_release, "scene", ("0",), ()), ("anchor",))


def test_the_model_records_sonar_and_ranges_of_its_training_frames(data, tmp_path):
    folder, frames = data.train[0].path.parent, []
    for labelled_frame, ranges in zip(data.train, [(1.5, 5.0), (1.0, 3.0)], strict=True):
        fan = FanGeometry.of_window(64, *ranges, 30)
        frames.append((labelled_frame.path.name, replace(labelled_frame.load(), geometry=fan, sonar="ARIS 3000")))
    write_sidecar(folder, frames)

    settings = SinglePassSettings.load(train_detector(data, tmp_path / "model", ONE_STEP) / "model.json")

    assert settings.conditions == SonarConditions(("ARIS 3000",), None, (1.0, 5.0))


def test_a_model_of_plain_images_records_no_sonar(data, tmp_path):
    folder = train_detector(data, tmp_path / "model", ONE_STEP)

    assert SinglePassSettings.load(folder / "model.json").conditions is None


def test_epochs_are_added_to_a_finished_training(data, tmp_path):
    with pytest.raises(SonarDebrisError, match="no finished training to add epochs to"):
        train_detector(data, tmp_path / "m", ONE_STEP, more_epochs=1)
    train_detector(data, tmp_path / "m", ONE_STEP)
    first = (tmp_path / "m" / "detector.keras").read_bytes()

    train_detector(data, tmp_path / "m", ONE_STEP, more_epochs=2)
    train_detector(data, tmp_path / "m", ONE_STEP, more_epochs=1)

    assert DebrisDetector.from_pretrained(tmp_path / "m").settings.training["more_epochs"] == [2, 1]
    assert (tmp_path / "m" / "detector.keras").read_bytes() != first
    logs = [tmp_path / "m" / name for name in ("detector.csv", "more-1/detector.csv", "more-2/detector.csv")]
    assert [len(log.read_text().splitlines()) - 1 for log in logs] == [1, 2, 1]
    with pytest.raises(SonarDebrisError, match="seed: 0 → 1"):
        train_detector(data, tmp_path / "m", replace(ONE_STEP, seed=1), more_epochs=1)
