import json
import random
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest

from sonar_debris.datasets.training_set import TrainingDataDescription
from sonar_debris.detectors import model_folder
from sonar_debris.detectors.model_folder import (
    FORMAT_VERSION,
    ModelSettings,
    SinglePassSettings,
    SlidingWindowSettings,
    find_model,
    list_models,
    read_kind,
)
from sonar_debris.errors import SonarDebrisError

ROOT = Path(__file__).parents[2]
SETTINGS = SlidingWindowSettings(
    "small", ("can", "tire"), step=4, min_score=0.25, data={"split": "scene", "folds": [1, 2]}, figures={"map50": 0.5}
)
# Model folders written before settings were renamed; they stay as they are.
EARLIER_FILES = sorted([*ROOT.glob("models/*/model.json"), *ROOT.glob("benchmarks/held_out/*/model.json")])


def content(**changes) -> dict:
    return {"format_version": FORMAT_VERSION, **asdict(SETTINGS), **changes}


def write(path: Path, description: dict) -> Path:
    path.write_text(json.dumps(description))
    return path


def test_settings_are_read_as_they_were_saved(tmp_path):
    SETTINGS.save(tmp_path / "model.json")

    assert SlidingWindowSettings.load(tmp_path / "model.json") == SETTINGS
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]


def test_missing_settings_have_defaults(tmp_path):
    path = write(tmp_path / "model.json", {"format_version": FORMAT_VERSION, "name": "small", "class_names": []})

    assert SlidingWindowSettings.load(path) == SlidingWindowSettings("small", ())


def test_settings_with_their_earlier_names_are_read(tmp_path):
    earlier = {"format_version": 1, "kind": "single-pass", "name": "m", "class_names": ["can"]}
    path = write(tmp_path / "model.json", earlier | {"overlap": 0.7, "alternatives": 0.1})

    settings = SinglePassSettings.load(path)

    assert (settings.nms_iou, settings.alternative_max_score) == (0.7, 0.1)


@pytest.mark.parametrize("path", EARLIER_FILES, ids=lambda path: path.parent.name)
def test_earlier_model_folders_open_and_keep_their_values(path, tmp_path):
    kinds = {kind.kind: kind for kind in (SinglePassSettings, SlidingWindowSettings)}
    stored = json.loads(path.read_text())

    settings = kinds[read_kind(path.parent)].load(path)

    assert settings.nms_iou == stored["overlap"]
    assert settings.alternative_max_score == stored.get("alternatives", type(settings).alternative_max_score)
    values = json.loads(json.dumps(asdict(settings)))
    for name in stored.keys() - {"overlap", "alternatives", "format_version", "kind"}:
        assert values[name] == stored[name]
    settings.save(tmp_path / "model.json")
    saved = json.loads((tmp_path / "model.json").read_text())
    assert list(saved["data"].items()) == list(stored["data"].items())


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"split": "scene", "train": ["1"], "test_fold": 0}, TrainingDataDescription("scene", "0")),
        ({"split": "scene", "train": ["0", "1", "2", "3", "4"]}, TrainingDataDescription("scene", None)),
        ({"split": "random", "train": ["train"]}, TrainingDataDescription("random", "test")),
        ({"labels": "labels.json", "frames": 5}, TrainingDataDescription(None, None, "labels.json")),
    ],
)
def test_training_data_is_the_split_and_the_part_left_out(data, expected):
    assert SinglePassSettings("m", (), data=data).training_data == expected


@pytest.mark.parametrize("version", [0, FORMAT_VERSION + 1, None, str(FORMAT_VERSION)])
def test_other_versions_are_refused(version, tmp_path):
    path = write(tmp_path / "model.json", content(format_version=version))

    with pytest.raises(SonarDebrisError, match="another version"):
        SlidingWindowSettings.load(path)


@pytest.mark.parametrize("key", ["format_version", "name", "class_names"])
def test_missing_setting_is_reported(key, tmp_path):
    path = write(tmp_path / "model.json", {name: value for name, value in content().items() if name != key})

    with pytest.raises(SonarDebrisError, match=f"not a model description.*{key}"):
        SlidingWindowSettings.load(path)


@pytest.mark.parametrize(
    "data",
    [None, b"", b"{", b"[]", b"3", b"null", b"\xff\xfe", b"[" * 100_000, json.dumps(content(x=1)).encode()],
    ids=lambda data: repr(data)[:20],
)
def test_other_files_are_no_model_description(data, tmp_path):
    if data is not None:
        (tmp_path / "model.json").write_bytes(data)

    with pytest.raises(SonarDebrisError, match=r"model\.json: not a model description") as error:
        SlidingWindowSettings.load(tmp_path / "model.json")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"min_score": "high"},
        {"min_score": None},
        {"min_score": float("nan")},
        {"nms_iou": True},
        {"step": 2.5},
        {"name": 7},
        {"class_names": "can"},
        {"class_names": [1, 2]},
        {"calibration": 1},
        {"object_weights": 1},
        {"object_weights": [1, 2]},
        {"object_weights": ["1"] * 9},
        {"object_weights": [float("nan")] * 9},
        {"object_weights": [1e9] * 9},
        {"calibration": [[0, 1]]},
        {"calibration": [[0, 1], [0, 0.5, 1]]},
        {"calibration": [[1, 0], [0, 1]]},
        {"calibration": [[], []]},
        {"data": [1]},
        {"name": "a\ud800"},
        {"name": "a\nb"},
        {"class_names": ["can", "can"]},
        {"min_score": 1.5},
        {"min_score": 10**400},
        {"nms_iou": -0.1},
        {"min_probability": float("inf")},
        {"step": 0},
        {"proposals": 10**9},
        {"candidates": -1},
        {"calibration": [[0, 1], [0, float("nan")]]},
        {"calibration": [[0, 1], [0, 10**400]]},
        {"calibration": [[0, 1], [0, 2]]},
        {"calibration": {"0": 1, "1": 2}},
        {"conditions": 3},
        {"conditions": {"range_m": [3, 1]}},
    ],
    ids=str,
)
def test_invalid_values_are_refused(changes, tmp_path):
    path = write(tmp_path / "model.json", content(**changes))

    with pytest.raises(SonarDebrisError, match=r"model\.json: not a model description") as error:
        SlidingWindowSettings.load(path)
    assert "\n" not in str(error.value)


def test_model_of_another_kind_is_refused(tmp_path):
    SETTINGS.save(tmp_path / "model.json")

    with pytest.raises(SonarDebrisError, match="its kind is not single-pass"):
        SinglePassSettings.load(tmp_path / "model.json")


@pytest.mark.parametrize("kind", ['"crystal-ball"', "null", "[]", "{}"])
def test_unknown_kind_is_refused_with_the_known_kinds(kind, tmp_path):
    (tmp_path / "model.json").write_text(f'{{"format_version": 1, "kind": {kind}}}')

    with pytest.raises(SonarDebrisError, match="is not one of single-pass, sliding-window"):
        read_kind(tmp_path)


def test_saved_settings_include_the_kind(tmp_path):
    class EchoSettings(ModelSettings):
        kind = "echo"

    EchoSettings("m", ("can",)).save(tmp_path / "model.json")

    assert json.loads((tmp_path / "model.json").read_text())["kind"] == "echo"
    assert EchoSettings.load(tmp_path / "model.json").class_names == ("can",)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    folder = tmp_path / "models"
    for name in ("two", "one"):
        (folder / name).mkdir(parents=True)
        (folder / name / "model.json").write_text("{}")
    (folder / "unfinished").mkdir()
    monkeypatch.setattr(model_folder, "_shipped", lambda: folder)
    return folder


def test_models_are_listed_by_name(shipped):
    assert list(list_models().items()) == [("one", shipped / "one"), ("two", shipped / "two")]


def test_model_is_found_by_name(shipped):
    assert find_model("two") == shipped / "two"


@pytest.mark.parametrize("as_argument", [str, lambda path: path])
def test_model_is_found_by_path(as_argument, shipped, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "model.json").write_text("{}")

    assert find_model(as_argument(tmp_path / "own")) == tmp_path / "own"


@pytest.mark.parametrize("name", ["three", "unfinished", "../one", "one/", "/", "\0", "x" * 5000, "~", "*", "one\ntwo"])
def test_other_names_are_refused_with_the_shipped_names(name, shipped):
    with pytest.raises(SonarDebrisError, match=r"no such model; .*one of: one, two"):
        find_model(name)


def test_error_without_shipped_models(tmp_path, monkeypatch):
    monkeypatch.setattr(model_folder, "_shipped", lambda: tmp_path / "absent")

    assert list_models() == {}
    with pytest.raises(SonarDebrisError, match="none shipped"):
        find_model("sliding-window")


def test_copied_model_folder_is_found(tmp_path):
    shutil.copytree(find_model("single-pass"), tmp_path / "copy")

    assert read_kind(find_model(tmp_path / "copy")) == "single-pass"


def change_at_random(value, rng: random.Random):
    """Replace, remove or add a value somewhere in the content of a JSON file."""
    hostile = [None, True, 0, -1, 0.5, 10**400, float("nan"), float("inf"), "", "x", "\ud800", [], [[]], {}, {"a": 1}]
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        if rng.random() < 0.1:
            return {name: entry for name, entry in value.items() if name != key}
        return {**value, key if rng.random() < 0.9 else "other": change_at_random(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.7:
        index = rng.randrange(len(value))
        return [*value[:index], change_at_random(value[index], rng), *value[index + rng.randrange(2) :]]
    return rng.choice(hostile)


@pytest.mark.parametrize("name", list_models())
def test_any_change_of_a_description_gives_valid_settings_or_one_line(name, tmp_path):
    intact = json.loads((find_model(name) / "model.json").read_text())
    rng, loaded = random.Random(0), 0
    for _ in range(400):
        write(tmp_path / "model.json", change_at_random(intact, rng))
        try:
            kind = read_kind(tmp_path)
            settings = {"single-pass": SinglePassSettings, "sliding-window": SlidingWindowSettings}[kind].load(
                tmp_path / "model.json"
            )
        except SonarDebrisError as error:
            assert "\n" not in str(error)
            str(error).encode()
        else:
            settings.save(tmp_path / "again.json")
            assert type(settings).load(tmp_path / "again.json") == settings
            loaded += 1
    assert 0 < loaded < 400


@pytest.mark.parametrize("name", list_models())
def test_shipped_models_say_which_sonar_they_know(name):
    settings = SinglePassSettings if read_kind(find_model(name)) == "single-pass" else SlidingWindowSettings

    assert str(settings.load(find_model(name) / "model.json").conditions) == "ARIS 3000 (3.0 MHz) at 1.0–3.0 m"
