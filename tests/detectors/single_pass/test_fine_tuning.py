import numpy as np
import pytest

from sonar_debris.backend import quiet_backend

with quiet_backend():
    from sonar_debris.detectors.single_pass import fine_tuning
    from sonar_debris.detectors.single_pass.network import build_single_pass

from sonar_debris.datasets.labels import merge_class_names, merge_labels, read_labels
from sonar_debris.detectors.base import DebrisDetector
from sonar_debris.detectors.single_pass.fine_tuning import (
    FineTuningConfig,
    average_weights,
    extend_classes,
    fine_tune_detector,
)
from sonar_debris.errors import SonarDebrisError
from tests.conftest import ROOT

SAMPLE = ROOT / "data" / "sample"


def predict(network):
    frames = np.random.default_rng(0).normal(size=(1, 64, 32, 1)).astype(np.float32)
    return np.asarray(network.predict_on_batch(frames))


def test_new_class_names_are_appended_ignoring_case():
    names, index = merge_class_names(("can", "tire"), ["Tire", "anchor", "ANCHOR"])

    assert names == ("can", "tire", "anchor") and index.tolist() == [1, 2, 2]


def test_label_sets_are_joined_by_class_name():
    frames, names = read_labels(SAMPLE, SAMPLE / "truth.coco.json")

    joined, joined_names = merge_labels([(frames, names), (frames, tuple(reversed(names)))])

    assert joined_names == names and len(joined) == 2 * len(frames)
    last = len(names) - 1
    assert (joined[len(frames)].class_id == last - joined[0].class_id).all()


def test_extended_network_keeps_objectness_boxes_and_the_ratios_of_its_classes():
    network = build_single_pass(3)

    before, after = predict(network), predict(extend_classes(network, 5))

    assert np.allclose(before[..., :5], after[..., :5], atol=1e-6) and after.shape[-1] == 10
    assert np.allclose(before[..., 5:6] / before[..., 6:7], after[..., 5:6] / after[..., 6:7], atol=1e-4)


@pytest.mark.parametrize("averaging", [0.0, 0.25, 1.0])
def test_weights_are_averaged_but_not_those_of_new_classes(averaging):
    start, tuned = extend_classes(build_single_pass(2), 3), build_single_pass(3)

    average = average_weights(start, tuned, averaging, known=2)

    for before, after, weight in zip(start.weights, tuned.weights, average.weights, strict=True):
        expected = (1 - averaging) * before.numpy() + averaging * after.numpy()
        if expected.shape[-1] == 3 and weight.path.startswith("conv") and expected.ndim in (1, 4):
            expected[..., 2:] = after.numpy()[..., 2:]
        assert np.allclose(weight.numpy(), expected, atol=1e-6)


@pytest.mark.slow
def test_a_fine_tuned_model_knows_the_new_class_and_keeps_thresholds(tmp_path, monkeypatch):
    monkeypatch.setattr(fine_tuning, "STEPS_PER_EPOCH", 2)
    frames, names = read_labels(SAMPLE, SAMPLE / "truth.coco.json")
    progress = []

    folder = fine_tune_detector(
        frames[:3],
        ["anchor", *names[1:]],
        tmp_path / "mine",
        config=FineTuningConfig(steps=4, batch_size=2),
        progress=lambda done, total: progress.append((done, total)),
    )

    detector, shipped = DebrisDetector.from_pretrained(folder), DebrisDetector.from_pretrained()
    assert detector.class_names == (*shipped.class_names[:-1], "anchor", "unknown")
    assert detector.min_score == shipped.min_score and progress == [(1, 2), (2, 2)]
    assert detector.settings.training["averaging"] == FineTuningConfig().averaging
    with pytest.raises(SonarDebrisError, match="holds a model already"):
        fine_tune_detector(frames, names, folder)


def test_no_frames_are_refused(tmp_path):
    with pytest.raises(SonarDebrisError, match="no frames to learn from"):
        fine_tune_detector([], ["can"], tmp_path / "mine")
