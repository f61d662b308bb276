"""``sonar-debris survey summary``: what a survey found."""

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
def summary(folder: Path) -> None:
    """Say what a survey found.

    \b
    Example:
      sonar-debris survey summary night
    """
    from tabulate import tabulate

    from sonar_debris.survey.objects import find_objects
    from sonar_debris.survey.store import open_survey

    with open_survey(folder) as store:
        find_objects(store)
        ((frames, failed),) = store.read("SELECT COUNT(*), COUNT(failure) FROM frame")
        ((sources, broken),) = store.read("SELECT COUNT(*), COUNT(failure) FROM source")
        rows = store.read(
            "SELECT class, COUNT(*), SUM(frames), MAX(score) FROM object GROUP BY class ORDER BY 2 DESC, class"
        )
    click.echo(f"{frames} frames of {sources} files; not whole or not readable: {broken} files, {failed} frames")
    click.echo(tabulate(rows, headers=["class", "objects", "seen in frames", "best score"], floatfmt=".2f"))
