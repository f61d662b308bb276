"""``sonar-debris survey report``: what was found, as pages for a browser."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sonar_debris.commands.progress import frame_progress

if TYPE_CHECKING:
    from sonar_debris.survey.store import SurveyStore


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
def report(folder: Path) -> None:
    """Write DIR/report/index.html: totals, a map, a gallery of what was found. It needs no network.

    \b
    Example:
      sonar-debris survey report night
    """
    from sonar_debris.survey.store import open_survey

    with open_survey(folder) as store:
        page = write_with_progress(store, folder)
    click.echo(f"open {page} in a browser")


def write_with_progress(store: "SurveyStore", folder: Path) -> Path:
    """Find the objects of a survey and write its report; the page to open."""
    from sonar_debris.survey.objects import find_objects
    from sonar_debris.survey.report.writing import write_report

    find_objects(store)
    with frame_progress(store.count_shown()) as show_done:
        return write_report(store, folder, show_done)
