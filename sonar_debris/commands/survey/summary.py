"""``sonar-debris survey summary``: what a survey found.

MERGED:
``sonar-debris survey compare``: a survey's objects beside the true ones.
"""

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


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.argument("truth", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="TRUTH.coco.json")
def compare(folder: Path, truth: Path) -> None:
    """Count the objects of a survey of simulated dives beside the true ones.

    \b
    Example:
      sonar-debris simulate --dive --format aris --frames 2000 -o dive
      sonar-debris survey run dive -o night
      sonar-debris survey compare night dive/truth.coco.json
    """
    from tabulate import tabulate

    from sonar_debris.survey.count_evaluation import compare as count
    from sonar_debris.survey.objects import find_objects
    from sonar_debris.survey.store import open_survey

    with open_survey(folder) as store:
        find_objects(store)
        counts = count(store, truth)
    rows = [
        (name, counts.true[name], counts.found[name], relative(counts.found[name], counts.true[name]))
        for name in sorted(counts.true | counts.found)
    ]
    true, found = counts.true.total(), counts.found.total()
    click.echo(
        tabulate([*rows, ("all", true, found, relative(found, true))], headers=["class", "true", "found", "error"])
    )
    click.echo(f"{counts.seen} of {counts.boxes} true boxes belong to an object; {counts.switches} identity switches")


def relative(found: int, true: int) -> str:
    """By how much a count is off."""
    return f"{(found - true) / true:+.0%}" if true else ""
