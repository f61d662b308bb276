import random
import sqlite3
import threading

import cv2
import numpy as np
import pytest

from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning
from sonar_debris.frames import FrameReadError
from sonar_debris.frames.frame import FrameSelection
from sonar_debris.survey import run
from sonar_debris.survey.inference import Reading, local_inference
from sonar_debris.survey.run import Progress, SurveyConfig, SurveyResult, find_sources, process_sources, run_survey
from sonar_debris.survey.store import SurveyStore, open_survey
from tests.fakes import BrightSpots, FakeDetector, echoes
from tests.videos import without_duration


def test_every_frame_is_processed_once_and_failures_are_listed(dive, process, rows, tmp_path):
    detector = BrightSpots()

    progress = process(tmp_path / "night", [dive], detector=detector)

    assert (progress.done, progress.failures) == (20, 2)
    assert progress.detections == 40 and sum(detector.batches) == 20
    stored = rows(tmp_path / "night")
    failures = {name.rsplit("/", 1)[1]: failure for _, name, _, failure in stored["source"] if failure}
    assert set(failures) == {"b-2.png", "c.aris"}
    assert failures["c.aris"].startswith("truncated within frame 5")
    assert [frames for *_, frames, _ in stored["source"]] == [11, 1, 1, 0, 1, 1, 5]
    assert len(stored["frame"]) == 20 and len(stored["detection"]) == 40


@pytest.mark.parametrize("batch_size", [1, 3, 4, 50])
def test_batches_span_sources_and_are_full(dive, process, tmp_path, batch_size):
    detector = BrightSpots()

    process(tmp_path / "night", [dive], batch_size=batch_size, detector=detector)

    assert all(size == batch_size for size in detector.batches[:-1])


@pytest.mark.parametrize("seed", range(4))
def test_an_interrupted_survey_is_resumed_to_the_same_rows(dive, process, rows, tmp_path, seed):
    process(tmp_path / "uninterrupted", [dive])
    rng, processed = random.Random(seed), 0
    for _ in range(20):
        detector = BrightSpots()
        process(tmp_path / "night", [dive], batches=rng.randint(1, 2), detector=detector)
        processed += sum(detector.batches)

    assert rows(tmp_path / "night") == rows(tmp_path / "uninterrupted")
    assert processed == 20  # none twice


def test_inputs_added_later_are_processed(dive, process, rows, tmp_path):
    process(tmp_path / "night", [dive])
    cv2.imwrite(str(dive / "a-first.png"), echoes(9))
    detector = BrightSpots()

    process(tmp_path / "night", [dive], detector=detector)

    assert detector.batches == [1]
    assert rows(tmp_path / "night")["source"][-1][1].endswith("a-first.png")


def test_a_frame_that_the_detector_fails_on_does_not_affect_the_others(dive, process, tmp_path, query):
    bright = echoes(0)
    bright[5, 5] = 255
    cv2.imwrite(str(dive / "b-3.png"), bright)

    progress = process(tmp_path / "night", [dive])

    assert progress.failures == 3
    failures = query(tmp_path / "night", "SELECT failure FROM frame WHERE failure IS NOT NULL")
    assert failures == [("detection failed (too bright)",)]


def test_a_full_disk_stops_the_run_and_no_batch_is_stored_in_part(dive, process, rows, tmp_path, monkeypatch):
    process(tmp_path / "uninterrupted", [dive])
    write_results, calls = run._write_results, []

    def fill_disk(store, results):
        calls.append(results)
        write_results(store, results)
        if len(calls) == 3:
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(run, "_write_results", fill_disk)
    with pytest.raises(SonarDebrisError, match="disk is full; solve that problem and run the same command again"):
        process(tmp_path / "night", [dive])
    assert len(rows(tmp_path / "night")["frame"]) == 8
    monkeypatch.undo()

    process(tmp_path / "night", [dive])

    assert rows(tmp_path / "night") == rows(tmp_path / "uninterrupted")


def test_a_detection_has_one_label(dive, process, tmp_path):
    class Undecided(BrightSpots):
        def with_settings(self, alternative_max_score, **others):
            assert alternative_max_score == 0
            return BrightSpots()

        def detect_batch(self, frames):
            pytest.fail("asked for alternative labels")

    assert process(tmp_path / "night", [dive], detector=Undecided()).done


def test_an_error_of_the_reading_thread_is_raised(dive, tmp_path, monkeypatch):
    monkeypatch.setattr("sonar_debris.survey.prefetch.open_frames", lambda *_: 1 / 0)
    sources = find_sources([dive], lambda error: None)
    inference = local_inference(BrightSpots(), Reading())
    with SurveyStore(tmp_path) as store, pytest.raises(ZeroDivisionError):
        process_sources(store, sources, 1, inference, lambda progress: None, threading.Event())


def test_the_time_left_is_estimated_from_the_rate_of_this_run():
    assert Progress(done=30, total=90, seconds=10, done_now=20).seconds_left == 30
    assert Progress(done=30, total=90).seconds_left is None


def test_a_folder_and_a_file_in_it_are_processed_once(dive):
    sources = find_sources([dive / "a.aris", dive], lambda error: None)

    assert [source.path.name for source in sources].count("a.aris") == 1 and len(sources) == 7


def test_missing_inputs_are_reported(tmp_path):
    errors = []

    assert find_sources([tmp_path / "gone"], errors.append) == []
    assert "gone: no such file or folder" in str(errors[0])


def test_run_survey_stores_objects_and_failures(dive, tmp_path):
    reported, folder = [], tmp_path / "night"

    result = run_survey(
        [str(dive)],
        str(folder),
        SurveyConfig(detector=BrightSpots(), batch_size=4),
        progress=lambda progress: reported.append((progress.done, progress.total)),
    )

    assert result == SurveyResult(20, 2, result.objects, False, folder)
    assert reported[0] == (0, 21) and reported[-1] == (20, 21)
    assert (folder / "failures.csv").read_text().splitlines()[0] == "file,frame,reason"
    with open_survey(str(folder)) as survey:
        records = survey.objects()
    assert len(records) == result.objects > 0
    assert {record.class_name for record in records} <= {"can", "tire", "unknown"}
    assert all(0 < record.score <= 1 and record.frames >= 1 for record in records)


def test_run_survey_loads_the_model_by_name_and_resumes(dive, tmp_path, monkeypatch):
    loaded = []

    def load(model, min_score):
        loaded.append((model, min_score))
        return FakeDetector(min_score)

    monkeypatch.setattr("sonar_debris.detectors.base.DebrisDetector.from_pretrained", load)
    config = SurveyConfig("single-pass", min_score=0.4, selection=FrameSelection(slice(0, 2)))
    stop = threading.Event()
    stop.set()

    stopped = run_survey([dive], tmp_path / "night", config, stop=stop)
    resumed = run_survey([dive], tmp_path / "night", config)

    assert loaded == [("single-pass", 0.4)] * 2
    assert (stopped.frames, stopped.stopped) == (0, True)
    assert (resumed.frames, resumed.stopped) == (8, False)  # two of each recording, one per image
    with pytest.raises(SonarDebrisError, match=r"other settings \(frames: \[0, 2, None\] → \[None, None, None\]\)"):
        run_survey([dive], tmp_path / "night", SurveyConfig("single-pass", min_score=0.4))


def test_run_survey_raises_for_a_missing_input_unless_errors_are_handled(tmp_path):
    np.save(tmp_path / "dive.npy", np.full((3, 40, 50), 0.2, np.float32))
    config, errors = SurveyConfig(detector=BrightSpots()), []
    with pytest.raises(FrameReadError, match="gone: no such file or folder"):
        run_survey([tmp_path / "gone"], tmp_path / "night", config)
    with pytest.raises(SonarDebrisError, match="nothing to process"):
        run_survey([tmp_path / "gone"], tmp_path / "night", config, on_error=lambda error: None)
    assert not (tmp_path / "night").exists()

    result = run_survey([tmp_path / "gone", tmp_path / "dive.npy"], tmp_path / "night", config, on_error=errors.append)

    assert result.frames == 3 and len(errors) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 0},
        {"workers": 0},
        {"workers": 2, "scheduler": "tcp://host:8786"},
        {"detector": FakeDetector(), "workers": 2},
        {"detector": FakeDetector(), "min_score": 0.5},
    ],
)
def test_a_config_that_contradicts_itself_is_refused(settings):
    with pytest.raises(ValueError, match="Received: "):
        SurveyConfig(**settings)


def test_a_video_of_unknown_length_is_processed_whole(tmp_path):
    video = cv2.VideoWriter(str(tmp_path / "dive.mkv"), cv2.VideoWriter.fourcc(*"FFV1"), 10, echoes(0).shape[::-1])
    for number in range(5):
        video.write(cv2.cvtColor(echoes(number), cv2.COLOR_GRAY2BGR))
    video.release()
    without_duration(tmp_path / "dive.mkv")
    totals = []

    result = run_survey(
        [tmp_path / "dive.mkv"],
        tmp_path / "night",
        SurveyConfig(detector=BrightSpots(), batch_size=2),
        progress=lambda progress: totals.append((progress.done, progress.total, progress.seconds_left)),
    )

    assert (result.frames, result.failures) == (5, 0)
    assert totals == [(0, None, None), (2, None, None), (4, None, None), (5, None, None)]


def test_mirrored_frames_are_part_of_the_settings(dive, tmp_path):
    config = SurveyConfig(detector=BrightSpots(), selection=FrameSelection(mirror=True))
    run_survey([dive / "b-1.png"], tmp_path / "night", config)

    with pytest.raises(SonarDebrisError, match="mirror: True → None"):
        run_survey([dive / "b-1.png"], tmp_path / "night", SurveyConfig(detector=BrightSpots()))


def test_decisions_of_an_earlier_survey_are_kept_where_boxes_overlap(tmp_path):
    np.save(tmp_path / "dive.npy", np.full((6, 12, 10), 90, np.uint8))
    inputs = [tmp_path / "dive.npy"]
    run_survey(inputs, tmp_path / "night", SurveyConfig(detector=FakeDetector()))
    with SurveyStore(tmp_path / "night") as store:
        for position in range(4):
            store.decide((1, position, 0), "accepted", "anchor")
        store.decide((1, 5, 0), "rejected", "tire")
        # The model of the second survey places the box elsewhere in one frame, and has another rank.
        store.read("UPDATE detection SET x = 5 WHERE position = 3")

    config = SurveyConfig(detector=FakeDetector(min_score=0.6), decisions_from=tmp_path / "night")
    with pytest.warns(SonarDebrisWarning, match="1 decisions fit no detection"):
        run_survey(inputs, tmp_path / "night-2", config)

    with open_survey(tmp_path / "night-2") as store:
        decisions = [(item.detection.position, item.verdict, item.class_name) for item in store.last_decisions()]
    accepted = [(position, "accepted", "anchor") for position in range(3)]
    assert decisions == [*accepted, (5, "rejected", "tire")]
