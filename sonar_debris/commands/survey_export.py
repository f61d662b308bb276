"""``sonar-debris survey export``: what was found, for other programs."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import click

from sonar_debris.errors import SonarDebrisError

FORMATS = (
    "coco",
    "csv",
    "cvat",
    "geojson",
    "gpkg",
    "label-studio",
    "megadetector",
    "mot",
    "parquet",
    "voc",
    "yolo",
)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.option("--format", "formats", type=click.Choice(FORMATS), multiple=True, required=True, help="Repeat for more.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT", help="[default: DIR/export]")
def export(folder: Path, formats: tuple[str, ...], output: Path | None) -> None:
    """Write a survey's detections and objects for other programs.

    \b
    Example:
      sonar-debris survey export night --format coco --format gpkg
    """
    from sonar_debris.outputs.folder import open_output_folder
    from sonar_debris.survey.exports.formats import NEEDS, WRITERS
    from sonar_debris.survey.objects import find_objects
    from sonar_debris.survey.store import open_survey

    for name in formats:
        check_installed(name, NEEDS.get(name, ()))
    output = open_output_folder(output or folder / "export")
    with open_survey(folder) as store:
        find_objects(store)
        for name in formats:
            WRITERS[name](store, output)
    click.echo(f"written to {output}: {', '.join(formats)}")


def check_installed(name: str, modules: Sequence[str]) -> None:
    """See that the modules that a format needs are installed."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise SonarDebrisError(f"--format {name} needs {', '.join(missing)}: pip install 'sonar-debris[export]'")
