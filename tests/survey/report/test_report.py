import json
import re
import tracemalloc
from pathlib import Path

import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning
from sonar_debris.survey.objects import find_objects
from sonar_debris.survey.records import DetectionRecord, FileState, FrameRecord
from sonar_debris.survey.report import write_report, writer
from sonar_debris.survey.report.pictures import plot_positions, plot_timeline
from sonar_debris.survey.store import SurveyStore


def write(folder):
    result = CliRunner().invoke(main, ["survey", "report", str(folder)])
    assert result.exit_code == 0, result.output
    return folder / "report"


def values(path):
    """Return what a script passes to the page."""
    text = re.fullmatch(r"Report\.\w+\((.*)\);\n", path.read_text(), re.DOTALL)[1]
    return json.loads(f"[{text}]")


@pytest.fixture
def opened(page, night):
    page.goto((write(night) / "index.html").as_uri())
    page.wait_for_selector(".card")
    return page


def test_parts_hold_whole_frames_and_number_detections_consecutively(night, monkeypatch):
    monkeypatch.setattr(writer, "MIN_DETECTIONS_PER_PART", 30)
    folder = write(night) / "data"

    (index,) = values(folder / "index.js")
    parts = [values(path)[1]["frames"] for path in sorted(folder.glob("part-*.js"))]

    assert index["partStarts"] == [0, 30, 60] and [len(part) for part in parts] == [30, 30, 10]
    assert [frame["first"] for part in parts for frame in part] == list(range(70))
    assert index["score"] == sorted(index["score"]) and len(index["verdict"]) == 70


def test_pictures_are_written_once_for_each_readable_frame(night):
    report = write(night)
    pictures = {path: path.stat().st_mtime_ns for path in report.glob("frames/*/*.jpg")}

    write(night)

    assert len(pictures) == 69
    assert {path: path.stat().st_mtime_ns for path in report.glob("frames/*/*.jpg")} == pictures


def test_progress_counts_frames_with_pictures(night):
    calls = []

    with pytest.warns(SonarDebrisWarning, match="ping-69.png: pictures that the report lacks: 1 "):
        page = write_report(str(night), lambda done, total: calls.append((done, total)))

    assert page == night / "report" / "index.html" and page.is_file()
    assert calls == [(done, 70) for done in range(1, 70)]  # the last file is missing


def test_missing_pictures_are_counted_in_the_page(night):
    assert '"missing": [{"file": ' in (write(night) / "data" / "survey.js").read_text()


def test_a_page_of_the_user_is_not_replaced(night, tmp_path):
    page = night / "report" / "index.html"
    page.parent.mkdir()
    page.write_text("mine")

    with pytest.raises(SonarDebrisError, match="index.html: not written by sonar-debris; .* -o"):
        write_report(night)
    assert page.read_text() == "mine" and list(page.parent.iterdir()) == [page]

    with pytest.warns(SonarDebrisWarning):
        assert write_report(night, output=tmp_path / "elsewhere") == tmp_path / "elsewhere" / "index.html"


def test_pictures_of_a_changed_file_are_written_again(night):
    report = write(night)
    first = report / "frames" / "1" / "0000000.jpg"
    other = report / "frames" / "2" / "0000000.jpg"
    first.write_bytes(b"old")
    other.write_bytes(b"kept")
    with SurveyStore(night) as store:
        source = store.sources()[0]
        store.describe_source(source.id, Path(source.name), "ping", FileState(size=5))

    write(night)

    assert first.read_bytes() != b"old" and other.read_bytes() == b"kept"


def test_timeline_and_map_name_their_axes(night, tmp_path):
    report = write(night)

    assert "frame" in _texts(report / "timeline.svg") and "detections" in _texts(report / "timeline.svg")
    assert "metres ahead of the sonar" in _texts(report / "places.svg")


def test_timeline_and_map_of_a_survey_with_times_and_positions(tmp_path):
    with SurveyStore(tmp_path) as store:
        ids = store.add_sources(["dive.aris"])
        with store.transaction():
            for position in range(6):
                place = {"latitude": 48.5, "longitude": -4.5}
                detection = DetectionRecord(1.0, 2.0, 30.0, 40.0, "can", 0.9, 0.9, 3.0, 0.0, 0.3, 0.4, **place)
                frame = FrameRecord(position, 80, 60, time=1e9 + position, detections=[detection])
                store.add_frame(ids["dive.aris"], frame)
            store.finish_source(ids["dive.aris"], None)
        find_objects(store)
        plot_timeline(store, tmp_path / "timeline.svg")
        plot_positions(store, tmp_path / "places.svg")

    assert "time (UTC)" in _texts(tmp_path / "timeline.svg")
    assert "metres east of 48.500000, -4.500000" in _texts(tmp_path / "places.svg")


def _texts(path):
    """Return the texts of a plot; matplotlib draws them as outlines and adds them as comments."""
    return re.findall("<!-- (.*?) -->", path.read_text())


def test_memory_does_not_grow_with_detections(tmp_path):
    def peak(count):
        folder = tmp_path / str(count)
        (folder / "report").mkdir(parents=True)
        detection = DetectionRecord(1.0, 2.0, 30.0, 40.0, "can", 0.5, 0.5)
        with SurveyStore(folder) as store:
            ids = store.add_sources(["a.aris"])
            with store.transaction():
                for position in range(count):
                    store.add_frame(ids["a.aris"], FrameRecord(position, 80, 60, detections=[detection]))
            tracemalloc.start()
            for _ in writer.detection_parts(store, folder / "report"):
                pass
            peak_bytes = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return peak_bytes

    assert peak(20_000) < 2 * peak(2000)


def test_page_shows_totals_failures_and_the_highest_score_first(opened, html_name):
    assert opened.locator("#totals tbody tr").all_inner_texts() == ["can\t35\t35", "tire\t34\t34", f"{html_name}\t1\t1"]
    assert "1 failures" in opened.inner_text("#facts")
    assert html_name in opened.inner_text("#failure-list")
    assert opened.locator(".card span").first.inner_text() == f"{html_name} 0.89"
    assert opened.inner_text("#page") == "1 to 60 of 70"


def test_names_that_contain_html_are_shown_as_text(opened, html_name):
    opened.locator(".card").first.click()

    assert html_name in opened.inner_text("#frame-name") and html_name in opened.inner_text("#frame-list")
    assert opened.evaluate("typeof hacked") == "undefined"
    assert opened.locator("[onerror]").count() == 0


def test_gallery_has_pages(opened):
    opened.click("#next")
    opened.wait_for_function("document.querySelectorAll('.card').length === 10")

    assert opened.inner_text("#page") == "61 to 70 of 70"
    assert opened.is_disabled("#next")


def test_filters_select_detections(opened):
    opened.select_option("#class", label="tire")
    opened.fill("#score", "0.8")
    opened.wait_for_function("document.querySelectorAll('.card').length === 4")
    assert opened.locator(".card span:nth-child(2)").all_inner_texts() == [
        f"tire {score}" for score in (0.87, 0.85, 0.83, 0.81)
    ]

    opened.select_option("#order", "survey")
    opened.wait_for_function("document.querySelector('.card span').textContent === 'tire 0.81'")

    opened.select_option("#file", index=3)
    opened.wait_for_function("document.querySelectorAll('.card').length === 0")
    assert opened.inner_text("#page") == "No detections match the filters"


def test_card_opens_the_frame_and_keys_step_to_the_next(opened):
    opened.locator(".card").nth(1).click()
    opened.wait_for_selector("#frame img")

    assert opened.evaluate("document.querySelector('#frame img').naturalWidth") == 100
    assert "ping-68.png" in opened.inner_text("#frame-name") and "3.00 m" in opened.inner_text("#frame-list")
    assert opened.locator("#frame rect").get_attribute("width") == "30"

    opened.keyboard.press("ArrowLeft")
    opened.wait_for_function("document.querySelector('#frame-name').textContent.includes('ping-67')")
    assert opened.url.endswith("#detection=67")
    opened.click("#frame-close")
    assert opened.locator("#frame").is_hidden()


def test_link_opens_a_frame(page, night):
    page.goto((write(night) / "index.html").as_uri() + "#detection=5")

    page.wait_for_selector("#frame[open]")
    assert "ping-05.png" in page.inner_text("#frame-name")


def test_report_without_a_server_ignores_review_keys(opened):
    opened.locator(".card").first.focus()
    opened.keyboard.press("a")

    assert opened.locator(".card.accepted").count() == 0 and opened.locator("#help").is_hidden()
