"""Measure the report of a survey with 100,000 detections: the time to write it, and its memory in a browser.

    python benchmarks/large_report.py

Needs playwright and Chromium.
"""

import json
import random
import shutil
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from sonar_debris.survey.records import DetectionRecord, FrameRecord
from sonar_debris.survey.report import write_report
from sonar_debris.survey.store import SurveyStore

RECORDINGS, FRAMES, DETECTIONS_PER_FRAME, PAGES = 10, 5000, 2, 10
OPTIONS = ["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"]


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with SurveyStore(folder) as store:
            add_detections(store)
            # Without objects: to find them among 100,000 detections takes minutes.
            store.replace_objects(store.current_state(), [], [])
        manifest = {"model": "none", "min_score": 0.0, "version": "0", "classes": ["can", "tire"]}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        begin = time.perf_counter()
        page = write_report(folder)
        count = RECORDINGS * FRAMES * DETECTIONS_PER_FRAME
        print(f"{count} detections: written in {time.perf_counter() - begin:.1f} s")
        measure_in_browser(page)


def add_detections(store: SurveyStore) -> None:
    """Add detections at random positions of recordings that do not exist."""
    rng = random.Random(0)
    ids = store.add_sources([f"dive-{number}.aris" for number in range(RECORDINGS)])
    with store.transaction():
        for source in ids.values():
            for position in range(FRAMES):
                detections = [random_detection(rng) for _ in range(DETECTIONS_PER_FRAME)]
                store.add_frame(source, FrameRecord(position, 480, 320, detections=detections))
            store.finish_source(source, None)


def random_detection(rng: random.Random) -> DetectionRecord:
    """Return a detection with a random box, class and score."""
    x, y = rng.uniform(0, 290), rng.uniform(0, 440)
    return DetectionRecord(x, y, 30.0, 40.0, rng.choice(("can", "tire")), rng.random(), 0.5)


def measure_in_browser(page: Path) -> None:
    """Open the page, turn some pages of its gallery, and print time and memory."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=OPTIONS)
        tab = browser.new_page()
        begin = time.perf_counter()
        tab.goto(page.as_uri())
        tab.select_option("#what", "detections")
        tab.wait_for_selector(".card")
        print(f"gallery visible after {time.perf_counter() - begin:.1f} s")
        for number in range(1, PAGES + 1):
            tab.click("#next")
            tab.wait_for_function(f"document.querySelector('#page').textContent.startsWith('{number * 60 + 1} ')")
        memory = tab.evaluate("performance.memory.usedJSHeapSize / 1e6")
        print(f"after {PAGES} more pages: {memory:.0f} MB in the browser")
        browser.close()


if __name__ == "__main__":
    main()
