"""A survey with names that contain HTML, and a browser that opens its report."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from sonar_debris.survey.objects import find_objects
from sonar_debris.survey.records import DetectionRecord, FrameRecord
from sonar_debris.survey.store import SurveyStore

HTML_NAME = "<img src=x onerror=hacked=1>"
# Chromium may run as root here, and must not use the network.
OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture
def html_name() -> str:
    """The name of a folder and of a class, which is HTML that sets a variable if the page inserts it as such."""
    return HTML_NAME


@pytest.fixture
def night(tmp_path) -> Path:
    """Seventy images with one detection each, cans alternating with tires, scores rising; the last file is missing."""
    folder, images = tmp_path / "night", tmp_path / f"dive {HTML_NAME}"
    folder.mkdir()
    images.mkdir()
    names = [str(images / f"ping-{number:02d}.png") for number in range(70)]
    for number, name in enumerate(names[:-1]):
        cv2.imwrite(name, np.full((80, 100), number, np.uint8))
    with SurveyStore(folder) as store:
        ids = store.add_sources([*names, "gone.png"])
        with store.transaction():
            for number, name in enumerate(names):
                label = (HTML_NAME if number == 69 else "tire") if number % 2 else "can"
                score = 0.2 + number / 100
                detection = DetectionRecord(10.0, 20.0, 30.0, 40.0, label, score, 0.9, 3.0, -1.0, 0.3, 0.4)
                store.add_frame(ids[name], FrameRecord(0, 80, 100, detections=[detection]))
                store.finish_source(ids[name], None)
            store.finish_source(ids["gone.png"], f"no image {HTML_NAME}")
        find_objects(store)
    manifest = {"model": "m", "min_score": 0.2, "version": "1", "classes": ["can", "tire", "hook"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium: Playwright's own, or the system's."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as play:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        try:
            chromium = play.chromium.launch(executable_path=path, args=OPTIONS)
        except api.Error as error:
            pytest.skip(f"no Chromium ({str(error).splitlines()[0]})")
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """An empty page; an error in a script fails the test."""
    errors = []
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: errors.append(error))
    yield page
    page.close()
    assert errors == []
