"""A small survey: two recordings, one of them truncated, images, and a file that is not an image."""

import sqlite3
import threading

import cv2
import pytest

from sonar_debris.frames.aris_format import write_aris
from sonar_debris.survey.inference import Reading, local_inference
from sonar_debris.survey.run import find_sources, process_sources
from sonar_debris.survey.store import SurveyStore
from tests.fakes import BrightSpots, echoes

FIELDS = {"sound_speed": 1500.0, "sample_start_delay": 2000, "sample_period": 10, "heading": 30.0}


@pytest.fixture
def dive(tmp_path):
    """The folder of the survey's inputs."""
    folder = tmp_path / "dive"
    folder.mkdir()
    place = {"latitude": 48.5, "longitude": -4.5}
    for name, count in (("a.aris", 11), ("c.aris", 6)):
        write_aris(folder / name, ((echoes(k), FIELDS | place | {"frame_time": k * 10**5}) for k in range(count)))
    data = (folder / "c.aris").read_bytes()
    (folder / "c.aris").write_bytes(data[:-100])
    for number in range(5):
        cv2.imwrite(str(folder / f"b-{number}.png"), echoes(number))
    (folder / "b-2.png").write_bytes(b"no image")
    return folder


@pytest.fixture
def process(tmp_path):
    """A function that processes inputs and returns the progress; with ``batches`` it stops after that many."""

    def run(folder, inputs, batches=None, batch_size=4, detector=None):
        folder.mkdir(exist_ok=True)
        stop = threading.Event()
        reported = []

        def report_progress(progress):
            reported.append(progress.done)
            if batches is not None and len(reported) > batches:  # the first report comes before the first batch
                stop.set()

        sources = find_sources(inputs, lambda error: None)
        with SurveyStore(folder) as store:
            inference = local_inference(detector or BrightSpots(), Reading(batch_size))
            return process_sources(store, sources, 22, inference, report_progress, stop)

    return run


@pytest.fixture
def query():
    """A function that returns the rows of a query on a survey's database."""

    def read(folder, sql, parameters=()):
        database = sqlite3.connect(folder / "survey.sqlite")
        try:
            return database.execute(sql, parameters).fetchall()
        finally:
            database.close()

    return read


@pytest.fixture
def rows(query):
    """A function that returns the rows of a survey's sources, frames and detections."""

    def read(folder):
        queries = {
            "source": "SELECT id, name, frames, failure FROM source ORDER BY id",
            "frame": "SELECT * FROM frame ORDER BY source, position",
            "detection": "SELECT * FROM detection ORDER BY source, position, rank",
        }
        return {table: query(folder, sql) for table, sql in queries.items()}

    return read
