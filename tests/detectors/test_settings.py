import json
from dataclasses import asdict

import pytest

from sonar_debris.detectors.model_folder import FORMAT_VERSION, SlidingWindowSettings
from sonar_debris.errors import SonarDebrisError

SETTINGS = SlidingWindowSettings(
    "small", ("can", "tire"), step=4, min_score=0.25, data={"split": "scene", "folds": [1, 2]}, figures={"map50": 0.5}
)


def content(**changes) -> dict:
    return {"format_version": FORMAT_VERSION, **asdict(SETTINGS), **changes}


def test_settings_come_back(tmp_path):
    SETTINGS.save(tmp_path / "model.json")

    assert SlidingWindowSettings.load(tmp_path / "model.json") == SETTINGS


def test_settings_that_are_not_given_have_defaults(tmp_path):
    (tmp_path / "model.json").write_text(
        json.dumps({"format_version": FORMAT_VERSION, "name": "small", "class_names": []})
    )

    assert SlidingWindowSettings.load(tmp_path / "model.json") == SlidingWindowSettings("small", ())


@pytest.mark.parametrize("version", [0, FORMAT_VERSION + 1, None, str(FORMAT_VERSION)])
def test_other_versions_are_refused(version, tmp_path):
    (tmp_path / "model.json").write_text(json.dumps(content(format_version=version)))

    with pytest.raises(SonarDebrisError, match="another version"):
        SlidingWindowSettings.load(tmp_path / "model.json")


@pytest.mark.parametrize("key", ["format_version", "name", "class_names"])
def test_missing_key_is_named(key, tmp_path):
    (tmp_path / "model.json").write_text(json.dumps({k: v for k, v in content().items() if k != key}))

    with pytest.raises(SonarDebrisError, match=f"not a model description.*{key}"):
        SlidingWindowSettings.load(tmp_path / "model.json")


@pytest.mark.parametrize(
    "data", [None, b"", b"{", b"[]", b"3", b"null", b"\xff\xfe", json.dumps(content(x=1)).encode()]
)
def test_what_is_no_model_description(data, tmp_path):
    if data is not None:
        (tmp_path / "model.json").write_bytes(data)

    with pytest.raises(SonarDebrisError, match=r"model\.json: not a model description") as error:
        SlidingWindowSettings.load(tmp_path / "model.json")
    assert "\n" not in str(error.value)
