"""Every command that reads files × a catalogue of damaged and hostile inputs: one clear line, no traceback, no hang."""

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.errors import SonarDebrisError
from sonar_debris.reproduce import STUDIES
from tests import bad_inputs
from tests.bad_inputs import STRANGE_NAMES
from tests.fakes import load_fake_detector

MAX_SECONDS = 60  # a guard against hangs, generous for a busy machine
# A command may list each failed input, and a warning or two.
MAX_LINES = 12
STUBBED = "stopped by the test: the data was read"


@contextmanager
def no_hang():
    def stop(signal_number, stack_frame):
        raise AssertionError(f"it took more than {MAX_SECONDS} s")

    previous = signal.signal(signal.SIGALRM, stop)
    signal.alarm(MAX_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


@pytest.fixture
def check(record_property):
    """Return a function that runs a command on an input and checks how it ends; it counts the inputs per command."""

    def run(command: str, words: list[object], path: Path):
        with no_hang():
            result = CliRunner().invoke(main, [*command.split(), *map(str, words)])
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        assert result.exit_code in (0, 1, 2), result.output
        lines = result.stderr.splitlines()
        assert "Traceback" not in result.output and len(lines) <= MAX_LINES, result.output
        if result.exit_code and STUBBED not in result.stderr:
            assert result.stderr.strip(), "the exit code is not 0, and stderr says nothing"
            assert any(part in result.stderr for part in names_of(path)), result.stderr
        record_property("bad_input", command)
        return result

    return run


def names_of(path: Path) -> list[str]:
    """Return what a message may call a path: characters that cannot be printed are escaped."""
    from sonar_debris.errors import printable_name

    name = path.name
    return [name, printable_name(name), name[:60], " ".join(name.split()), path.parent.name, "dive.aris"]


@pytest.fixture
def fake_models(monkeypatch):
    monkeypatch.setattr("sonar_debris.detectors.base.DebrisDetector.from_pretrained", load_fake_detector)


def stop_here(*arguments, **options):
    raise SonarDebrisError(STUBBED)


@pytest.mark.usefixtures("fake_models")
@pytest.mark.parametrize("name", FRAMES := bad_inputs.frame_inputs())
def test_frames(name, check, tmp_path):
    (tmp_path / "in").mkdir()
    path = FRAMES[name](tmp_path / "in")

    check("info", ["--", path], path)
    check("detect", ["-o", tmp_path / "detections", "--", path], path)
    check("convert", ["--", path, tmp_path / "images"], path)
    check("survey run", ["-o", tmp_path / "night", "--progress", "none", "--", path], path)


@pytest.mark.usefixtures("fake_models")
@pytest.mark.parametrize("name", [name for name in FRAMES if not re.search("missing|5000|sidecar", name)])
def test_a_good_image_beside_a_bad_one_is_read(name, check, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    path = FRAMES[name](folder)
    bad_inputs._png(folder, "zz-good.png")

    assert "zz-good.png" in check("info", [folder], path).stdout
    check("detect", [folder, "-o", tmp_path / "detections"], path)
    assert "zz-good.png" in (tmp_path / "detections" / "detections.csv").read_text()
    check("survey run", [folder, "-o", tmp_path / "night", "--progress", "none"], path)
    assert check("convert", [folder, tmp_path / "images"], path).exit_code in (0, 1)


@pytest.mark.parametrize("name", LABELS := bad_inputs.label_inputs())
def test_labels(name, check, tmp_path, monkeypatch):
    monkeypatch.setattr("sonar_debris.detectors.single_pass.training.train_detector", stop_here)
    path = LABELS[name](tmp_path)
    (tmp_path / "images").mkdir(exist_ok=True)

    check("train detector", ["--images", tmp_path / "images", "--labels", path, "-o", tmp_path / "out"], path)


@pytest.mark.parametrize("name", MODELS := bad_inputs.model_inputs())
def test_models(name, check, tmp_path):
    frame = bad_inputs._png(tmp_path, "frame.png", shape=(40, 40))
    path = MODELS[name](tmp_path)

    check("detect", [frame, "-o", tmp_path / "out", "--model", path], path)
    check("models show", [path], path)
    check("survey run", [frame, "-o", tmp_path / "night", "--model", path, "--progress", "none"], path)


class _Server:
    port = 0

    def serve_forever(self):
        raise KeyboardInterrupt


@contextmanager
def no_server(app, port):
    yield _Server()


@pytest.mark.parametrize("name", SURVEYS := bad_inputs.survey_inputs())
def test_surveys(name, check, tmp_path, monkeypatch):
    monkeypatch.setattr("sonar_debris.survey.review.open_server", no_server)
    monkeypatch.setattr("sonar_debris.detectors.single_pass.fine_tuning.fine_tune_detector", stop_here)
    path = SURVEYS[name](tmp_path)
    truth = tmp_path / "truth.json"
    truth.write_text('{"images": [], "annotations": [], "categories": []}')

    check("survey summary", [path], path)
    for export in ("coco", "csv", "geojson", "yolo"):
        check("survey export", [path, "--format", export, "-o", tmp_path / "out"], path)
    check("survey labels", [path, "-o", tmp_path / "labels"], path)
    check("survey suggest", [path], path)
    check("survey compare", [path, truth], path)
    check("survey learn", [path, "-o", tmp_path / "model"], path)


@pytest.mark.slow
@pytest.mark.parametrize("name", SURVEYS)
def test_reports_of_surveys(name, check, tmp_path, monkeypatch):
    monkeypatch.setattr("sonar_debris.survey.review.open_server", no_server)
    path = SURVEYS[name](tmp_path)

    check("survey report", [path, "-o", tmp_path / "out"], path)
    check("survey review", [path, "--no-open"], path)


@pytest.fixture
def stubbed_training(monkeypatch):
    for target in (
        "sonar_debris.detectors.single_pass.training.train_detector",
        "sonar_debris.classifiers.training.train_classifier",
        "sonar_debris.detectors.sliding_window.training.train_objectness",
        "sonar_debris.detectors.sliding_window.training.train_pipeline",
        "sonar_debris.reproduce.study.ResultCache.get_or_compute",
    ):
        monkeypatch.setattr(target, stop_here)


@pytest.fixture(scope="session")
def releases(tiny_release):
    return bad_inputs.release_inputs(tiny_release)


class _Classifier:
    class_names = ("bottle", "can")

    def predict(self, images):
        return np.full((len(images), 2), 0.5, np.float32)


RELEASE_COUNT = 70


@pytest.mark.slow
@pytest.mark.usefixtures("fake_models", "stubbed_training")
@pytest.mark.parametrize("number", range(RELEASE_COUNT))
def test_releases(number, check, releases, tmp_path, monkeypatch):
    monkeypatch.setattr("sonar_debris.commands.evaluate.load_classifier", lambda model, selection: _Classifier())
    if number >= len(releases):
        pytest.fail(f"there are only {len(releases)} inputs")
    path = list(releases.values())[number](tmp_path)
    data, out = ["--data", path], ["-o", tmp_path / "out"]

    for command in ("detector", "classifier", "objectness", "pipeline"):
        check(f"train {command}", [*data, *out, "--test-fold", "0", "--val-fold", "1"], path)
    check("evaluate detections", [*data, "--fold", "1"], path)
    check("evaluate proposals", [*data, "--fold", "1"], path)
    for study in STUDIES:
        check(f"reproduce {study}", [*data, *out, "--quick"], path)
    check("evaluate classifier", [*data, "--split", "random", "--part", "test"], path)


@pytest.mark.parametrize("name", PREDICTIONS := bad_inputs.prediction_inputs())
def test_predictions(name, check, tiny_release, tmp_path):
    path = PREDICTIONS[name](tmp_path)

    check("evaluate detections", ["--data", tiny_release, "--fold", "1", "--predictions", path], path)


@pytest.mark.usefixtures("fake_models")
@pytest.mark.parametrize("name", PREDICTIONS)
def test_audits(name, check, tiny_release, tmp_path):
    path = PREDICTIONS[name](tmp_path)

    check("evaluate proposals", ["--data", tiny_release, "--fold", "1", "--ignore", path], path)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["info", "convert"])
def test_bombs_need_little_memory(command, tmp_path):
    paths = [FRAMES[name](tmp_path) for name in ("png of 60000 × 60000 pixels", "npz bomb")]
    program = f"""
import resource, sys
from click.testing import CliRunner
from sonar_debris.commands.main import main
for path in sys.argv[1:]:
    words = ["{command}", path] + (["{tmp_path}/images"] if "{command}" == "convert" else [])
    assert CliRunner().invoke(main, words).exit_code in (0, 1, 2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000)
"""
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    words = [sys.executable, "-c", program, *map(str, paths)]
    result = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=120)

    assert result.returncode == 0, result.stderr
    assert int(result.stdout.split()[-1]) < 1500


def test_each_catalogue_has_sixty_inputs(releases):
    for catalogue in (FRAMES, LABELS, MODELS, SURVEYS, PREDICTIONS, releases):
        assert len(catalogue) >= 60
    assert len(releases) >= RELEASE_COUNT and len(STRANGE_NAMES) == 10
