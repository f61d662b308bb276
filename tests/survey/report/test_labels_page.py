"""Labelling of frames in a browser: draw, move, resize, name and reject boxes; suggested frames; small screens."""

import re
import threading

import pytest
from click.testing import CliRunner

from sonar_debris.commands.main import main
from sonar_debris.survey.review import create_app, open_server
from sonar_debris.survey.store import SurveyStore

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect


@pytest.fixture
def address(night):
    assert CliRunner().invoke(main, ["survey", "report", str(night)]).exit_code == 0
    with open_server(create_app(night), 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def opened(page, address):
    """The page of a review, with the frame of the best detection that has a picture: a tire at (10, 20, 30, 40)."""
    page.goto(address)
    page.wait_for_selector(".card .buttons")
    page.locator(".card").nth(1).click()
    page.wait_for_selector("#frame svg.editable")
    return page


def boxes(night, source=69):
    """Return class, verdict and rounded box of each box of a frame, as they are stored."""
    with SurveyStore(night) as store:
        return [
            (box.class_name, box.verdict, tuple(round(value) for value in (box.x, box.y, box.w, box.h)))
            for box in store.frame_boxes(source, 0)
        ]


def drag(page, start, stop):
    """Drag from one position of the frame, in its pixels, to another."""
    area = page.locator("#frame-picture svg").bounding_box()
    (x0, y0), (x1, y1) = (
        (area["x"] + x * area["width"] / 100, area["y"] + y * area["height"] / 80) for x, y in (start, stop)
    )
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2)
    page.mouse.move(x1, y1)
    page.mouse.up()


def wait_for_boxes(page, count):
    expect(page.locator("#frame-list tbody tr")).to_have_count(count)


def wait_for_verdict(page, row, verdict):
    expect(page.locator("#frame-list tbody tr").nth(row).locator("td").last).to_have_text(verdict)


def test_a_box_is_drawn_named_moved_resized_and_deleted(opened, night):
    assert boxes(night) == [("can", "undecided", (10, 20, 30, 40))]

    drag(opened, (90, 10), (95, 15))  # nothing is selected: the first box was, so select nothing first
    wait_for_boxes(opened, 2)
    assert boxes(night)[1][1:] == ("accepted", (90, 10, 5, 5))
    opened.keyboard.press("3")
    expect(opened.locator("#frame-list")).to_contain_text("hook")
    assert boxes(night)[1] == ("hook", "accepted", (90, 10, 5, 5))

    drag(opened, (92, 12), (82, 32))
    expect(opened.locator("#frame-picture rect.selected")).to_have_attribute("x", re.compile(r"^(79|80)"))
    assert boxes(night)[1] == ("hook", "accepted", (80, 30, 5, 5))
    drag(opened, (85, 35), (95, 45))
    expect(opened.locator("#frame-picture rect.selected")).to_have_attribute("width", re.compile(r"^1[45]"))
    assert boxes(night)[1] == ("hook", "accepted", (80, 30, 15, 15))

    opened.keyboard.press("Delete")
    wait_for_boxes(opened, 1)
    assert boxes(night) == [("can", "undecided", (10, 20, 30, 40))]


def test_a_moved_box_of_the_model_is_replaced_and_the_move_can_be_undone(opened, night):
    drag(opened, (25, 40), (45, 40))
    wait_for_boxes(opened, 2)

    assert boxes(night) == [("can", "rejected", (10, 20, 30, 40)), ("can", "accepted", (30, 20, 30, 40))]
    opened.click("#label-undo")
    wait_for_boxes(opened, 1)
    assert boxes(night) == [("can", "undecided", (10, 20, 30, 40))]


def test_keys_and_buttons_decide_in_the_frame(opened, night):
    opened.keyboard.press("a")
    wait_for_verdict(opened, 0, "accepted")
    opened.click("#label-reject")
    wait_for_verdict(opened, 0, "rejected")
    opened.keyboard.press("c")
    opened.fill("#new-class", "crab pot")
    opened.keyboard.press("Enter")
    wait_for_verdict(opened, 0, "accepted")
    assert boxes(night) == [("crab pot", "accepted", (10, 20, 30, 40))]
    opened.click("#frame-close")

    # The gallery, the totals and the progress follow.
    assert opened.locator(".card.accepted b").inner_text() == "accepted"
    assert opened.inner_text("#progress") == "1 of 70 objects reviewed"
    assert "crab pot\t1\t1" in opened.locator("#totals tbody tr").all_inner_texts()


def test_decisions_are_undone_one_by_one_across_frames(opened, night):
    opened.keyboard.press("a")
    wait_for_verdict(opened, 0, "accepted")
    opened.keyboard.press("ArrowLeft")
    expect(opened.locator("#frame-name")).to_contain_text("ping-67")
    opened.keyboard.press("r")
    wait_for_verdict(opened, 0, "rejected")
    opened.keyboard.press("u")
    opened.keyboard.press("u")
    expect(opened.locator("#frame-name")).to_contain_text("ping-68")
    wait_for_verdict(opened, 0, "undecided")

    assert boxes(night)[0][1] == boxes(night, 68)[0][1] == "undecided"


def test_suggested_frames_are_offered_until_they_are_complete(page, address, night):
    page.goto(address)
    page.click("#suggest")
    page.wait_for_selector("#frame svg.editable")
    assert page.inner_text("#label-progress") == "0 of 30 suggested frames"
    name = page.inner_text("#frame-name")

    page.click("#label-complete")
    expect(page.locator("#label-progress")).to_contain_text("1 of 30")
    expect(page.locator("#frame-name")).not_to_have_text(name)

    with SurveyStore(night) as store:
        assert len(store.reviewed_frames()) == 1 and len(store.unreviewed_frames()) == 69


def test_an_unknown_object_must_be_named_before_its_frame_is_complete(opened, night):
    with SurveyStore(night) as store:
        store.decide((69, 0, 0), "accepted", "unknown")
    opened.click("#frame-next")
    opened.click("#frame-previous")
    expect(opened.locator("#frame-list")).to_contain_text("unknown")
    opened.keyboard.press("f")

    expect(opened.locator("#label-message")).to_contain_text("name the unknown")
    with SurveyStore(night) as store:
        assert not store.is_complete(69, 0)


def test_a_frame_that_another_page_changed_is_not_overwritten(opened, night):
    with SurveyStore(night) as store:
        store.decide((69, 0, 0), "accepted", "tire")
    opened.keyboard.press("r")

    expect(opened.locator("#label-message")).to_contain_text("open it again")
    assert boxes(night)[0][:2] == ("tire", "accepted")


def test_a_telephone_can_do_everything_by_touch(browser, address, night):
    context = browser.new_context(viewport={"width": 375, "height": 700}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(".card .buttons")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.locator(".card").nth(1).locator("button", has_text="Accept").tap()
    page.wait_for_selector(".card.accepted")

    page.locator(".card .crop").nth(2).tap()
    page.wait_for_selector("#frame svg.editable")
    area = page.locator("#frame").bounding_box()
    assert area["x"] >= 0 and area["x"] + area["width"] <= 375
    page.locator("#palette button", has_text="hook").tap()
    expect(page.locator("#frame-list")).to_contain_text("hook")
    page.tap("#label-complete")
    expect(page.locator("#label-complete")).to_contain_text("✓")
    context.close()

    assert boxes(night)[0][1] == "accepted" and boxes(night, 68)[0][:2] == ("hook", "accepted")


def test_the_page_says_why_a_detection_cannot_be_explained(opened, night):
    with SurveyStore(night) as store:
        store.write_settings({"model": "no-such-model"})
    opened.click("#label-why")

    expect(opened.locator("#why-title")).to_contain_text("no-such-model: no such model", timeout=60_000)
    opened.click("#why-close")
    expect(opened.locator("#why")).not_to_be_visible()
