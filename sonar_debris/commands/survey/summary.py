"""Print how many objects a survey found, and compare them with the ground truth of a simulated dive."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
def summary(folder: Path) -> None:
    """Count the objects of a survey by class.

    \b
    Example:
      sonar-debris survey summary night
    """
    from sonar_debris.frames.frame import utc_time
    from sonar_debris.survey.objects import find_objects
    from sonar_debris.survey.store import open_survey

    with open_survey(folder) as store:
        find_objects(store)
        counts, totals, times = store.counts(), store.class_totals(), [utc_time(time) for time in store.time_span()]
    click.echo(
        f"{counts.frames} frames of {counts.sources} files; "
        f"damaged or not readable: {counts.failed_sources} files, {counts.failed_frames} frames"
    )
    if all(times):
        click.echo(f"recorded from {times[0]} to {times[1]}")
    rows = [
        (row.class_name, str(row.objects), str(row.frames), f"{row.best_score:.2f}") for row in totals if row.objects
    ]
    print_table(("class", "objects", "seen in frames", "best score"), rows)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.argument("truth", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="TRUTH.coco.json")
def compare(folder: Path, truth: Path) -> None:
    """Compare the objects of a survey of simulated dives with the ground truth.

    \b
    Example:
      sonar-debris simulate --dive --format aris --frames 2000 -o dive
      sonar-debris survey run dive -o night
      sonar-debris survey compare night dive/truth.coco.json
    """
    from sonar_debris.survey.count_evaluation import evaluate_counts
    from sonar_debris.survey.objects import find_objects
    from sonar_debris.survey.store import open_survey

    with open_survey(folder) as store:
        find_objects(store)
        result = evaluate_counts(store, truth)
    true, counted = result.true_objects, result.survey_objects
    rows = [count_row(name, true[name], counted[name]) for name in sorted(true | counted)]
    rows.append(count_row("all", true.total(), counted.total()))
    print_table(("class", "true", "counted", "error"), rows)
    click.echo(
        f"{result.matched_boxes} of {result.true_boxes} true boxes belong to an object; "
        f"{result.identity_switches} identity switches"
    )


def count_row(name: str, true: int, counted: int) -> tuple[str, str, str, str]:
    """Return a row of the comparison.

    Args:
        name: the class.
        true: number of true objects.
        counted: number of objects of the survey.

    Returns:
        Class, both numbers, and the relative error in per cent; no error if there is no true object.

    Example:
        >>> count_row("can", 8, 10)
        ('can', '8', '10', '+25%')
    """
    error = f"{(counted - true) / true:+.0%}" if true else ""
    return name, str(true), str(counted), error


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on stdout.

    Args:
        columns: headings.
        rows: cells; the first column is aligned left, the others right.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    for row in rows:
        # A reviewer may type a class name such as "[net]", which must not be read as markup.
        table.add_row(*map(Text, row))
    Console().print(table)
