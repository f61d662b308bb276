"""The report of a survey with 100,000 detections: how long it takes to write, and what it takes in a browser.

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

from sonar_debris.survey.report import write_report
from sonar_debris.survey.store import FrameRecord, SurveyStore

RECORDINGS, FRAMES, EACH, PAGES = 10, 5000, 2, 10
OPTIONS = ["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"]


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name, SurveyStore(Path(name)) as store:
        fill(store)
        manifest = {"model": "none", "min_score": 0.0, "version": "0", "classes": ["can", "tire"]}
        (Path(name) / "manifest.json").write_text(json.dumps(manifest))
        begin = time.perf_counter()
        page = write_report(store, Path(name), lambda done: None)
        print(f"{RECORDINGS * FRAMES * EACH} detections: written in {time.perf_counter() - begin:.1f} s")
        look(page)


def fill(store: SurveyStore) -> None:
    """Detections at random places; their recordings are not there."""
    rng = random.Random(0)
    ids = store.add_sources([f"dive-{number}.aris" for number in range(RECORDINGS)])
    with store.transaction():
        for source in ids.values():
            for position in range(FRAMES):
                store.add_frame(
                    source, FrameRecord(position, (480, 320, *[None] * 6), [detection(rng) for _ in range(EACH)])
                )
            store.finish_source(source, None)


def detection(rng: random.Random) -> tuple:
    """A row without its key."""
    place = (rng.uniform(0, 290), rng.uniform(0, 440), 30.0, 40.0)
    return (*place, rng.choice(("can", "tire")), rng.random(), 0.5, *[None] * 6)


def look(page: Path) -> None:
    """Open the page, and turn some pages of the gallery."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=OPTIONS)
        tab = browser.new_page()
        begin = time.perf_counter()
        tab.goto(page.as_uri())
        tab.select_option("#what", "detections")
        tab.wait_for_selector(".card")
        print(f"gallery shown after {time.perf_counter() - begin:.1f} s")
        for number in range(1, PAGES + 1):
            tab.click("#next")
            tab.wait_for_function(f"document.querySelector('#page').textContent.startsWith('{number * 60 + 1} ')")
        print(
            f"after {PAGES} more pages: {tab.evaluate('performance.memory.usedJSHeapSize / 1e6'):.0f} MB in the browser"
        )
        browser.close()


if __name__ == "__main__":
    main()
