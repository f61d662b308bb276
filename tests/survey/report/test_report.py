import json
import re
import tracemalloc

import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.survey.report import data
from sonar_debris.survey.store import FrameRecord, SurveyStore
from tests.survey.report.conftest import NASTY


def write(folder):
    result = CliRunner().invoke(main, ["survey", "report", str(folder)])
    assert result.exit_code == 0, result.output
    return folder / "report"


def values(path):
    """What a script hands to the page."""
    text = re.fullmatch(r"Report\.\w+\((.*)\);\n", path.read_text(), re.DOTALL)[1]
    return json.loads(f"[{text}]")


@pytest.fixture
def opened(page, night):
    page.goto((write(night) / "index.html").as_uri())
    page.wait_for_selector(".card")
    return page


def test_parts_keep_frames_whole_and_count_on(night, monkeypatch):
    monkeypatch.setattr(data, "PART", 30)
    folder = write(night) / "data"

    (index,) = values(folder / "index.js")
    parts = [values(path)[1] for path in sorted(folder.glob("part-*.js"))]

    assert index["parts"] == [0, 30, 60] and [len(part) for part in parts] == [30, 30, 10]
    assert [frame["first"] for part in parts for frame in part] == list(range(70))
    assert index["score"] == sorted(index["score"]) and len(index["verdict"]) == 70


def test_pictures_are_made_once_and_of_what_can_be_read(night):
    report = write(night)
    pictures = {path: path.stat().st_mtime_ns for path in report.glob("frames/*/*.jpg")}

    write(night)

    assert len(pictures) == 69
    assert {path: path.stat().st_mtime_ns for path in report.glob("frames/*/*.jpg")} == pictures


def test_memory_does_not_grow_with_detections(tmp_path):
    def peak(count):
        folder = tmp_path / str(count)
        (folder / "report").mkdir(parents=True)
        box = (1.0, 2.0, 30.0, 40.0, "can", 0.5, 0.5, *[None] * 6)
        with SurveyStore(folder) as store:
            ids = store.add_sources(["a.aris"])
            with store.transaction():
                for position in range(count):
                    store.add_frame(ids["a.aris"], FrameRecord(position, (80, 60, *[None] * 6), [box]))
            tracemalloc.start()
            for _ in data._parts(store, folder / "report"):
                pass
            top = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return top

    assert peak(20_000) < 2 * peak(2000)


def test_totals_failures_and_the_best_first(opened):
    assert opened.locator("#totals tbody tr").all_inner_texts() == ["can\t35\t35", "tire\t34\t34", f"{NASTY}\t1\t1"]
    assert "1 failures" in opened.inner_text("#facts")
    assert NASTY in opened.inner_text("#failure-list")
    assert opened.locator(".card span").first.inner_text() == f"{NASTY} 0.89"
    assert opened.inner_text("#page") == "1 to 60 of 70"


def test_names_with_html_in_them_stay_text(opened):
    opened.locator(".card").first.click()

    assert NASTY in opened.inner_text("#frame-name") and NASTY in opened.inner_text("#frame-list")
    assert opened.evaluate("typeof hacked") == "undefined"
    assert opened.locator("[onerror]").count() == 0


def test_pages(opened):
    opened.click("#next")
    opened.wait_for_function("document.querySelectorAll('.card').length === 10")

    assert opened.inner_text("#page") == "61 to 70 of 70"
    assert opened.is_disabled("#next")


def test_filters(opened):
    opened.select_option("#class", label="tire")
    opened.fill("#score", "0.8")
    opened.wait_for_function("document.querySelectorAll('.card').length === 4")
    assert opened.locator(".card span:nth-child(2)").all_inner_texts() == [
        f"tire {s}" for s in (0.87, 0.85, 0.83, 0.81)
    ]

    opened.select_option("#order", "survey")
    opened.wait_for_function("document.querySelector('.card span').textContent === 'tire 0.81'")

    opened.select_option("#file", index=3)
    opened.wait_for_function("document.querySelectorAll('.card').length === 0")
    assert opened.inner_text("#page") == "nothing matches"


def test_a_detection_leads_to_its_frame_and_on(opened):
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


def test_a_frame_can_be_linked_to(page, night):
    page.goto((write(night) / "index.html").as_uri() + "#detection=5")

    page.wait_for_selector("#frame[open]")
    assert "ping-05.png" in page.inner_text("#frame-name")


def test_a_report_judges_nothing(opened):
    opened.locator(".card").first.focus()
    opened.keyboard.press("a")

    assert opened.locator(".card.a").count() == 0 and opened.locator("#help").is_hidden()
