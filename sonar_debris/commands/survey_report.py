"""``sonar-debris survey report``: what was found, as pages for a browser."""

from pathlib import Path

import click

from sonar_debris.commands.progress import frame_progress


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


def write_with_progress(store, folder: Path) -> Path:
    """Write the report of a survey; the page to open."""
    from sonar_debris.survey.objects import find_objects
    from sonar_debris.survey.report.writing import write_report

    find_objects(store)
    ((shown,),) = store.read("SELECT COUNT(*) FROM (SELECT DISTINCT source, position FROM detection)")
    with frame_progress(shown) as show_done:
        return write_report(store, folder, show_done)
