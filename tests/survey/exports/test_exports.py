import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from pycocotools.coco import COCO

from sonar_debris.commands.main import main
from sonar_debris.commands.survey.export import FORMATS
from sonar_debris.survey.exports.registry import WRITERS
from sonar_debris.survey.objects import find_objects
from sonar_debris.survey.store import FrameRecord, SurveyStore, failed_record

LABELS = ("cvat", "label-studio", "voc", "yolo")
NASTY = 'dive <b>"7",é.aris'


@pytest.fixture
def survey(tmp_path):
    """A recording of seven frames that shows one object, one of its frames damaged, and an image that shows none."""
    with SurveyStore(tmp_path) as store:
        ids = store.add_sources([NASTY, "ping.png", "gone.png"])
        with store.transaction():
            frames = [_frame(k) for k in range(6)]
            for each in [*frames, failed_record(6, "damaged")]:
                store.add_frame(ids[NASTY], each)
            store.finish_source(ids[NASTY], None)
            store.add_frame(ids["ping.png"], FrameRecord(0, (80, 60, *[None] * 6)))
            store.finish_source(ids["ping.png"], None)
            store.finish_source(ids["gone.png"], "no image")
        find_objects(store)
    return tmp_path


def _frame(position):
    box = (10.0 + position, 20.0, 30.0, 40.0, "tire", 0.9, 0.95, 3.0, -1.0, 0.3, 0.4, 48.5, -4.5)
    return FrameRecord(position, (100, 200, 1e9 + position, 0.0, 48.5, -4.5, 2.0, None), [box])


def run(*words):
    return CliRunner().invoke(main, ["survey", "export", *map(str, words)])


@pytest.fixture
def exported(survey):
    # Labels come with images, for which the files must be there.
    tables = [name for name in FORMATS if name not in LABELS]
    result = run(survey, *(word for name in tables for word in ("--format", name)))
    assert result.exit_code == 0, result.output
    return survey / "export"


def test_the_command_offers_every_writer():
    assert tuple(WRITERS) == FORMATS


def test_coco(exported):
    coco = COCO(str(exported / "detections.coco.json"))

    assert len(coco.imgs) == 7 and len(coco.anns) == 6
    (first,) = coco.loadAnns(coco.getAnnIds(imgIds=[1]))
    assert first["bbox"] == [10, 20, 30, 40] and first["range_m"] == 3
    assert coco.loadCats(first["category_id"])[0]["name"] == "tire"
    assert coco.dataset["failures"] == [
        {"file_name": "gone.png", "error": "no image"},
        {"file_name": NASTY, "error": "frame 6: damaged"},
    ]


@pytest.mark.parametrize("read, suffix", [(pd.read_csv, "csv"), (pd.read_parquet, "parquet")])
def test_tables(exported, read, suffix):
    detections, objects = (read(exported / f"{name}.{suffix}") for name in ("detections", "objects"))

    assert detections["file"].tolist() == [NASTY] * 6 and detections["object"].tolist() == [1] * 6
    assert np.allclose(detections[["x", "score", "latitude"]].iloc[2], [12, 0.9, 48.5])
    assert objects["class"].tolist() == ["tire"] and objects["frames"].tolist() == [6]


def test_maps(exported):
    import pyogrio

    layer = pyogrio.read_dataframe(exported / "objects.gpkg", layer="objects")
    (feature,) = json.loads((exported / "objects.geojson").read_text())["features"]

    assert layer.crs.to_epsg() == 4326 and layer["class"].tolist() == ["tire"]
    assert (layer.geometry[0].x, layer.geometry[0].y) == (-4.5, 48.5)
    assert feature["geometry"] == {"type": "Point", "coordinates": [-4.5, 48.5]}
    assert feature["properties"]["file"] == NASTY


def test_a_survey_without_positions_has_an_empty_map(tmp_path):
    with SurveyStore(tmp_path) as store:
        find_objects(store)

    assert run(tmp_path, "--format", "geojson", "--format", "gpkg").exit_code == 0
    assert json.loads((tmp_path / "export" / "objects.geojson").read_text())["features"] == []


def test_megadetector(exported):
    content = json.loads((exported / "megadetector.json").read_text())

    assert [image["file"] for image in content["images"]][4:] == [f"{NASTY}#4", f"{NASTY}#5", f"{NASTY}#6", "ping.png"]
    assert content["images"][0]["detections"] == [{"category": "1", "conf": 0.9, "bbox": [0.05, 0.2, 0.15, 0.4]}]
    assert content["images"][6]["failure"] == "damaged" and content["images"][7]["detections"] == []


def test_mot(exported):
    (path,) = (exported / "mot").iterdir()

    assert path.stem == NASTY.removesuffix(".aris")
    assert path.read_text().splitlines()[1] == "2,1,11.00,20.00,30.00,40.00,0.9000,-1,-1,-1"


def test_no_survey(tmp_path):
    result = run(tmp_path, "--format", "csv")

    assert result.exit_code == 2 and "holds no survey; make one with: sonar-debris survey run" in result.stderr


def test_what_is_not_installed_is_named(survey, monkeypatch):
    monkeypatch.setattr("sonar_debris.commands.survey.export.find_spec", lambda name: None)

    assert "needs geopandas, pyogrio: pip install 'sonar-debris[export]'" in run(survey, "--format", "gpkg").stderr
