"""A survey as pages that a browser shows, without a network: ``report/index.html``."""

import shutil
from collections.abc import Callable
from pathlib import Path

from sonar_debris.files import atomic_text
from sonar_debris.survey.report.data import script, write_data
from sonar_debris.survey.report.pictures import write_pictures
from sonar_debris.survey.report.plots import plot_places, plot_timeline
from sonar_debris.survey.store import SurveyStore

PAGE = Path(__file__).parent / "page"
NAME = "report"


def write_report(store: SurveyStore, folder: Path, show_done: Callable[[int], None]) -> Path:
    """Write the report of a survey into its folder; pictures that are there already are not made again.

    Args:
        store: of the survey, its objects found.
        folder: of the survey.
        show_done: told how many frames have their pictures.

    Returns:
        The page to open.
    """
    report = folder / NAME
    shutil.copytree(PAGE, report, dirs_exist_ok=True)
    write_pictures(store, report, show_done)
    plot_timeline(store, report / "timeline.svg")
    plot_places(store, report / "places.svg")
    write_data(store, report)
    with atomic_text(report / "data" / "review.js") as stream:
        stream.write(script("review", {"token": None}))
    return report / "index.html"
