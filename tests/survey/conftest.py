"""A small survey: two recordings, one of them cut off, images, and a file that is none."""

import threading

import cv2
import numpy as np
import pytest

from sonar_debris.detections import Detections
from sonar_debris.frames.aris_format import write_aris
from sonar_debris.survey.inference import Reading, local_inference
from sonar_debris.survey.run import find_sources, run_survey
from sonar_debris.survey.store import SurveyStore

FIELDS = {"sound_speed": 1500.0, "sample_start_delay": 2000, "sample_period": 10, "heading": 30.0}
NAMES = ("can", "tire", "unknown")


class BrightSpots:
    """Finds the brightest pixel of each frame: a stand-in for a network, with results that tell frames apart.

    Attributes:
        seen: the number of different frames of each batch.
    """

    name, min_score, class_names = "bright", 0.5, NAMES

    def __init__(self):
        self.seen = []

    def with_settings(self, **changed):
        return self

    def detect_batch(self, frames):
        self.seen.append(len(set(map(id, frames))))  # a batch may be filled up
        return [self._detect(frame.image) for frame in frames]

    def _detect(self, image):
        if image.max() > 0.99:
            raise RuntimeError("too bright")
        y, x = np.unravel_index(image.argmax(), image.shape)
        box = np.float32([[x - 4, y - 3, x + 5, y + 6], [0, 0, 9, 9]])
        score = np.float32([image.max(), 0.5])
        return Detections(box, score, np.array([int(x) % 2, 2]), score, NAMES)


def echoes(number, samples=60):
    """A scan with one spot whose place and brightness tell its number."""
    scan = np.full((samples, 48), 30, np.uint8)
    scan[(7 * number) % samples, (5 * number) % 48] = 120 + number
    return scan


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
def search(tmp_path):
    """A function that runs a survey and gives its progress; it ends after some batches if told so."""

    def run(folder, inputs, batches=None, batch_size=4, detector=None):
        folder.mkdir(exist_ok=True)
        stop = threading.Event()
        shown = []

        def show(progress):
            shown.append(progress.done)
            if batches is not None and len(shown) >= batches:
                stop.set()

        sources = find_sources(inputs, lambda error: None)
        with SurveyStore(folder) as store:
            searcher = local_inference(detector or BrightSpots(), Reading(batch_size))
            return run_survey(store, sources, 22, searcher, show, stop)

    return run


@pytest.fixture
def rows():
    """A function that gives all rows of a survey's database."""

    def read(folder):
        with SurveyStore(folder) as store:
            orders = {"source": "id", "frame": "source, position", "detection": "source, position, rank"}
            return {table: store.read(f"SELECT * FROM {table} ORDER BY {key}") for table, key in orders.items()}

    return read
