import json

import numpy as np
import pytest

from sonar_debris.classifiers.networks import build_cnn_classifier
from sonar_debris.reproduce import transfer
from sonar_debris.reproduce.crop_experiments import CropData
from sonar_debris.reproduce.transfer import Trial, reproduce_transfer


@pytest.mark.slow
def test_quick_study_writes_a_report(quick_study):
    reproduce_transfer(quick_study)

    results = json.loads((quick_study.folder / "results.json").read_text())
    assert set(results["accuracy"]) == {
        f"{start}-10-{part}-seed0" for start in ("turntable", "scratch") for part in ("random", "scene0")
    }
    assert all(0 <= accuracy <= 1 for accuracy in results["accuracy"].values())
    assert (quick_study.folder / "random.png").is_file() and (quick_study.folder / "scene.png").is_file()
    assert "Quick run" in (quick_study.folder / "report.md").read_text()


def test_pretrained_network_keeps_all_layers_but_the_last(quick_study):
    quick_study.folder.mkdir(parents=True)
    pretrained = build_cnn_classifier(18)
    pretrained.save(quick_study.folder / "turntable-seed0.keras")

    network = transfer._pretrained_builder(quick_study, 0)(10)

    assert network.output_shape == (None, 10)
    for layer, pretrained_layer in zip(network.layers[:-1], pretrained.layers[:-1], strict=True):
        for value, expected in zip(layer.get_weights(), pretrained_layer.get_weights(), strict=True):
            np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize(("count", "expected"), [(1, [0, 1]), (2, [0, 0, 1, 1]), (9, [0, 0, 1, 1, 1])])
def test_crops_of_each_class_are_limited(count, expected):
    data = CropData(np.arange(5, dtype=np.float32)[:, None, None], np.array([1, 0, 1, 0, 1]), ("a", "b"))

    limited = transfer._limit_crops(data, count, seed=0)

    assert limited.class_id.tolist() == expected
    assert (limited.class_id == data.class_id[limited.images[:, 0, 0].astype(int)]).all()
    assert len(set(limited.images[:, 0, 0])) == len(limited)


def test_table_pools_the_folds():
    results = {
        Trial(start, 10, "random", "", 0): {"given": [0], "true": [0], "accuracy": 1.0}
        for start in ("turntable", "scratch")
    } | {
        Trial(start, 10, "scene", fold, 0): {"given": given, "true": [1] * len(given), "accuracy": np.mean(given)}
        for start in ("turntable", "scratch")
        for fold, given in (("0", [1]), ("1", [0, 0, 1]))
    }

    row = [cell.strip() for cell in transfer._accuracy_table(results).splitlines()[2].strip("|").split("|")]

    assert row == ["10", "100.0", "100.0", "50.0 ± 47.1", "50.0 ± 47.1"]
