"""Commands that report, review and export a survey."""

import logging
from contextlib import suppress
from pathlib import Path

import click

from sonar_debris.commands.progress import frame_progress
from sonar_debris.survey.exports import FORMATS, LABEL_FORMATS, export_survey, write_labels


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="Folder of the report.  [default: DIR/report]",
)
def report(folder: Path, output: Path | None) -> None:
    """Write DIR/report/index.html: totals, a map and a gallery of the detections. It works without a network.

    Pictures that cannot be made, because a file was moved or damaged, are counted, and listed in the report.

    \b
    Example:
      sonar-debris survey report night
    """
    page = write_report_with_progress(folder, output)
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
    write_report_with_progress(folder)  # with the decisions
    with open_survey(folder) as store:
        reviewed = sum(decision.verdict != "undecided" for decision in store.last_decisions())
        objects = find_objects(store)
    click.echo(
        f"{reviewed} detections reviewed, {objects} objects; "
        f"write labels to train on with: sonar-debris survey labels {folder}"
    )


def write_report_with_progress(folder: Path, output: Path | None = None) -> Path:
    """Write the report of a survey, with a progress bar.

    Args:
        folder: the survey's folder.
        output: folder of the report; ``folder/report`` by default.

    Returns:
        The page.
    """
    from sonar_debris.survey.report import write_report
    from sonar_debris.survey.store import open_survey

    with open_survey(folder) as store:
        total = len(store.frames_with_detections())
    with frame_progress(total) as show_done:
        return write_report(folder, lambda done, total: show_done(done), output)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.option(
    "--format", "formats", type=click.Choice(list(FORMATS)), multiple=True, required=True, help="Repeat for more."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT", help="[default: DIR/export]")
def export(folder: Path, formats: tuple[str, ...], output: Path | None) -> None:
    """Write a survey's detections and objects for other programs.

    \b
    Example:
      sonar-debris survey export night --format coco --format gpkg
    """
    output = export_survey(folder, formats, output)
    click.echo(f"written to {output}: {', '.join(formats)}")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.option("--format", "format_name", type=click.Choice(LABEL_FORMATS), default="yolo", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT", help="[default: DIR/labels]")
def labels(folder: Path, format_name: str, output: Path | None) -> None:
    """Write the frames whose every detection was reviewed, with labels, as training data for train detector.

    \b
    Example:
      sonar-debris survey labels night -o night-labels
      sonar-debris train detector --images night-labels/images --labels night-labels/labels -o mine
    """
    counts = write_labels(folder, output, format_name)
    click.echo(
        f"{counts.frames} frames with {counts.labels} labels in {counts.folder}; "
        f"{counts.unreviewed_frames} frames not reviewed completely"
    )
