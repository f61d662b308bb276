"""A dive with objects that the model does not know: found as unknown, named in the browser, learnt, found by name."""

import json
import threading
from contextlib import contextmanager

import numpy as np
import pytest
from click.testing import CliRunner

from sonar_debris.boxes import intersection_over_smaller
from sonar_debris.commands.main import main
from sonar_debris.survey.review import create_app, open_server
from sonar_debris.survey.store import SurveyStore

pytest.importorskip("supervision", reason="the extra export is not installed")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.slow

FRAMES = 160


def run(*words):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


@contextmanager
def open_review(night):
    """Serve the review of a survey, as ``survey review`` does."""
    run("survey", "report", night)
    with open_server(create_app(night), 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.port}/"
        server.shutdown()
        thread.join()


class Truth:
    """The true boxes of each frame of a simulated dive, and their classes."""

    def __init__(self, path):
        content = json.loads(path.read_text())
        names = {category["id"]: category["name"] for category in content["categories"]}
        self.boxes = {index: [] for index in range(FRAMES)}
        for annotation in content["annotations"]:
            left, top, width, height = annotation["bbox"]
            box = (left, top, left + width, top + height), names[annotation["category_id"]]
            self.boxes[annotation["image_id"] - 1].append(box)

    def class_of(self, position, box):
        """Return the class of the true object that a box lies on, or None."""
        left, top, width, height = box
        xyxy = np.float32([[left, top, left + width, top + height]])
        overlaps = [
            (float(intersection_over_smaller(xyxy, np.float32([true]))[0, 0]), name)
            for true, name in self.boxes[position]
        ]
        overlap, name = max(overlaps, default=(0.0, None))
        return name if overlap >= 0.5 else None


def name_objects(page, address, night, truth):
    """Name each object of the gallery once, or reject what is none; return the classes that were shown before."""
    with SurveyStore(night) as store:
        detections = list(store.detection_boxes().items())
    page.goto(address)
    page.wait_for_selector(".card .buttons")
    shown = {}
    for number in page.locator(".card").evaluate_all("cards => cards.map((card) => Number(card.dataset.number))"):
        (_, position, _), box = detections[number]
        card, name = page.locator(f'.card[data-number="{number}"]'), truth.class_of(position, box)
        shown[card.locator("span").first.inner_text().rsplit(" ", 1)[0], name] = number
        if name is None:
            card.get_by_text("Reject").click()
            continue
        card.get_by_text("Class…").click()
        page.fill("#new-class", name)
        page.keyboard.press("Enter")
        page.wait_for_selector(f'.card.accepted[data-number="{number}"]')
    return set(shown)


def explain_first_object(page):
    page.locator(".card .crop").first.click()
    page.wait_for_selector("#frame svg.editable")
    page.click("#label-why")
    page.wait_for_selector("#why-picture:not([hidden])", timeout=120_000)
    assert page.locator("#why-picture").evaluate("image => image.naturalWidth") > 300


def test_new_shapes_are_found_as_unknown_named_once_and_found_by_name(page, tmp_path):
    dive, night = tmp_path / "dive", tmp_path / "night"
    run("simulate", "--dive", "--frames", FRAMES, "--seed", 31, "--new-shapes", 1, "-o", dive)
    run("survey", "run", dive / "survey.aris", "-o", night)
    truth = Truth(dive / "truth.coco.json")

    with open_review(night) as address:
        shown = name_objects(page, address, night, truth)
        explain_first_object(page)
    assert {("unknown", "anchor"), ("unknown", "bicycle")} <= shown

    output = run("survey", "learn", night, "-o", tmp_path / "model", "--minutes", 1)
    assert "new classes: anchor, bicycle, ladder" in output
    run("survey", "run", dive / "survey.aris", "--model", tmp_path / "model", "-o", tmp_path / "night-2")

    with SurveyStore(tmp_path / "night-2") as store:
        classes = [record.class_name for record in store.objects()]
    assert {"anchor", "bicycle"} <= {*classes} <= {"anchor", "bicycle", "ladder", "unknown"}
