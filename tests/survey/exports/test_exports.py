import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from pycocotools.coco import COCO

from sonar_debris.commands.main import main
from sonar_debris.survey.exports import FORMATS, LABEL_FORMATS, export_survey
from sonar_debris.survey.objects import find_objects
from sonar_debris.survey.records import DetectionRecord, FrameRecord
from sonar_debris.survey.store import SurveyStore

# Formats with images, for which the survey's files must exist.
IMAGE_FORMATS = ("cvat", "label-studio", "voc", "yolo")
RECORDING = 'dive <b>"7",é.aris'


@pytest.fixture
def survey(tmp_path):
    """A recording of seven frames that shows one object, with one damaged frame, and an image without detections."""
    with SurveyStore(tmp_path) as store:
        ids = store.add_sources([RECORDING, "ping.png", "gone.png"])
        with store.transaction():
            frames = [_frame(k) for k in range(6)]
            for frame in [*frames, FrameRecord(6, failure="damaged")]:
                store.add_frame(ids[RECORDING], frame)
            store.finish_source(ids[RECORDING], None)
            store.add_frame(ids["ping.png"], FrameRecord(0, 80, 60))
            store.finish_source(ids["ping.png"], None)
            store.finish_source(ids["gone.png"], "no image")
        find_objects(store)
    return tmp_path


def _frame(position):
    detection = DetectionRecord(
        10.0 + position, 20.0, 30.0, 40.0, "tire", 0.9, 0.95, 3.0, -1.0, 0.3, 0.4, latitude=48.5, longitude=-4.5
    )
    return FrameRecord(
        position, 100, 200, 1e9 + position, 0.0, latitude=48.5, longitude=-4.5, depth=2.0, detections=[detection]
    )


def run(*words):
    return CliRunner().invoke(main, ["survey", "export", *map(str, words)])


@pytest.fixture
def exported(survey):
    table_formats = [name for name in FORMATS if name not in IMAGE_FORMATS]
    result = run(survey, *(word for name in table_formats for word in ("--format", name)))
    assert result.exit_code == 0, result.output
    return survey / "export"


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_writer(name):
    assert callable(FORMATS[name].load_writer())


def test_label_formats():
    assert LABEL_FORMATS == ("coco", "voc", "yolo")


def test_survey_is_exported_from_python(survey):
    assert export_survey(str(survey), ["csv"], survey / "tables") == survey / "tables"
    assert {path.name for path in (survey / "tables").iterdir()} == {"detections.csv", "objects.csv"}


def test_coco(exported):
    coco = COCO(str(exported / "detections.coco.json"))

    assert len(coco.imgs) == 7 and len(coco.anns) == 6
    (first,) = coco.loadAnns(coco.getAnnIds(imgIds=[1]))
    assert first["bbox"] == [10, 20, 30, 40] and first["range_m"] == 3
    assert coco.loadCats(first["category_id"])[0]["name"] == "tire"
    assert coco.dataset["failures"] == [
        {"file_name": "gone.png", "error": "no image"},
        {"file_name": RECORDING, "error": "frame 6: damaged"},
    ]


@pytest.mark.parametrize("read, suffix", [(pd.read_csv, "csv"), (pd.read_parquet, "parquet")])
def test_tables(exported, read, suffix):
    detections, objects = (read(exported / f"{name}.{suffix}") for name in ("detections", "objects"))

    assert detections["file"].tolist() == [RECORDING] * 6 and detections["object"].tolist() == [1] * 6
    assert np.allclose(detections[["x", "score", "latitude"]].iloc[2], [12, 0.9, 48.5])
    assert objects["class"].tolist() == ["tire"] and objects["frames"].tolist() == [6]


def test_maps(exported):
    import pyogrio

    layer = pyogrio.read_dataframe(exported / "objects.gpkg", layer="objects")
    (feature,) = json.loads((exported / "objects.geojson").read_text())["features"]

    assert layer.crs.to_epsg() == 4326 and layer["class"].tolist() == ["tire"]
    assert (layer.geometry[0].x, layer.geometry[0].y) == (-4.5, 48.5)
    assert feature["geometry"] == {"type": "Point", "coordinates": [-4.5, 48.5]}
    assert feature["properties"]["file"] == RECORDING


def test_survey_without_positions_has_an_empty_map(tmp_path):
    with SurveyStore(tmp_path) as store:
        find_objects(store)

    assert run(tmp_path, "--format", "geojson", "--format", "gpkg").exit_code == 0
    assert json.loads((tmp_path / "export" / "objects.geojson").read_text())["features"] == []


def test_megadetector(exported):
    content = json.loads((exported / "megadetector.json").read_text())

    files = [image["file"] for image in content["images"]]
    assert files[4:] == [f"{RECORDING}#4", f"{RECORDING}#5", f"{RECORDING}#6", "ping.png"]
    assert content["images"][0]["detections"] == [{"category": "1", "conf": 0.9, "bbox": [0.05, 0.2, 0.15, 0.4]}]
    assert content["images"][6]["failure"] == "damaged" and content["images"][7]["detections"] == []


def test_mot(exported):
    (path,) = (exported / "mot").iterdir()

    assert path.stem == RECORDING.removesuffix(".aris")
    assert path.read_text().splitlines()[1] == "2,1,11.00,20.00,30.00,40.00,0.9000,-1,-1,-1"


def test_folder_without_a_survey_is_refused(tmp_path):
    result = run(tmp_path, "--format", "csv")

    assert result.exit_code == 2 and "holds no survey; make one with: sonar-debris survey run" in result.stderr


def test_missing_requirements_are_listed(survey, monkeypatch):
    monkeypatch.setattr("sonar_debris.survey.exports.find_spec", lambda name: None)

    assert "needs geopandas, pyogrio: pip install 'sonar-debris[export]'" in run(survey, "--format", "gpkg").stderr
