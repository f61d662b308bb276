"""Write the report of a survey, and serve it for review in a browser."""

import logging
from contextlib import suppress
from pathlib import Path

import click

from sonar_debris.commands.progress import frame_progress


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
def report(folder: Path) -> None:
    """Write DIR/report/index.html: totals, a map and a gallery of the detections. It works without a network.

    \b
    Example:
      sonar-debris survey report night
    """
    page = write_report_with_progress(folder)
    click.echo(f"open {page} in a browser")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 for any free port.")
@click.option("--open/--no-open", "open_browser", default=True, help="Open the page in a browser.  [default: open]")
def review(folder: Path, port: int, open_browser: bool) -> None:
    """Serve the report as a page where detections are accepted, rejected or relabelled with the keyboard.

    Decisions are stored in DIR/survey.sqlite. The page is served to this machine only, until Ctrl-C.

    \b
    Example:
      sonar-debris survey review night
    """
    from sonar_debris.survey.objects import find_objects
    from sonar_debris.survey.review import create_app, open_server
    from sonar_debris.survey.store import open_survey

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    write_report_with_progress(folder)
    with open_server(create_app(folder), port) as server:
        address = f"http://127.0.0.1:{server.port}/"
        click.echo(f"review at {address}; press Ctrl-C to stop")
        if open_browser:
            click.launch(address)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    with open_survey(folder) as store:
        reviewed = sum(decision.verdict != "undecided" for decision in store.last_decisions())
        objects = find_objects(store)
    click.echo(
        f"{reviewed} detections reviewed, {objects} objects; "
        f"write labels to train on with: sonar-debris survey labels {folder}"
    )


def write_report_with_progress(folder: Path) -> Path:
    """Write the report of a survey, with a progress bar; return its page."""
    from sonar_debris.survey.report import write_report
    from sonar_debris.survey.store import open_survey

    with open_survey(folder) as store:
        total = len(store.frames_with_detections())
    with frame_progress(total) as show_done:
        return write_report(folder, lambda done, total: show_done(done))
