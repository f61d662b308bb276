"""``sonar-debris survey report``: what was found, as pages for a browser.

MERGED:
``sonar-debris survey review``: a person judges what was found.
"""

import logging
from contextlib import suppress
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
    from sonar_debris.survey.report import write_report

    find_objects(store)
    with frame_progress(store.count_shown()) as show_done:
        return write_report(store, folder, show_done)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 for any free one.")
@click.option("--open/--no-open", "show", default=True, help="Open the page in a browser.  [default: open]")
def review(folder: Path, port: int, show: bool) -> None:
    """Show the report on a page where detections are accepted, rejected or named anew, with the keyboard.

    Decisions go into DIR/survey.sqlite. The page is served to this machine only, until Ctrl-C.

    \b
    Example:
      sonar-debris survey review night
    """
    from sonar_debris.survey.objects import find_objects
    from sonar_debris.survey.review import create_app, open_server
    from sonar_debris.survey.store import open_survey

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with open_survey(folder) as store:
        write_with_progress(store, folder)
    with open_server(create_app(folder), port) as server:
        address = f"http://127.0.0.1:{server.port}/"
        click.echo(f"judge at {address}; Ctrl-C ends")
        if show:
            click.launch(address)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    with open_survey(folder) as store:
        ((judged,),) = store.read("SELECT COUNT(*) FROM judged WHERE verdict != 'undecided'")
        objects = find_objects(store)
    click.echo(
        f"{judged} detections judged, {objects} objects; labels to train on: sonar-debris survey labels {folder}"
    )
