"""``sonar-debris survey export``: what was found, for other programs.

MERGED:
``sonar-debris survey labels``: what a person judged, to train on.
"""

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
    from sonar_debris.files import open_output_folder
    from sonar_debris.survey.exports.registry import NEEDS, WRITERS
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


LABEL_FORMATS = ("coco", "voc", "yolo")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.option("--format", "name", type=click.Choice(LABEL_FORMATS), default="yolo", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT", help="[default: DIR/labels]")
def labels(folder: Path, name: str, output: Path | None) -> None:
    """Write the frames of which every detection was judged, with labels that train detector reads.

    \b
    Example:
      sonar-debris survey labels night -o night-labels
      sonar-debris train detector --images night-labels/images --labels night-labels/labels -o mine
    """
    pass  # MIGRATE
    from sonar_debris.files import open_output_folder
    from sonar_debris.survey.exports.images import export_frames, reviewed_frames
    from sonar_debris.survey.exports.labels import write_dataset
    from sonar_debris.survey.store import open_survey

    check_installed(name, ["supervision"])
    output = open_output_folder(output or folder / "labels")
    with open_survey(folder) as store:
        frames = export_frames(store, output, reviewed_frames(store))
        shown = store.count_shown()
    if not frames:
        raise click.UsageError(
            f"no frame of {folder} was judged in full; judge with: sonar-debris survey review {folder}"
        )
    write_dataset(frames, output, name)
    count = sum(len(frame.detections) for frame in frames)
    click.echo(f"{len(frames)} frames with {count} labels in {output}; {shown - len(frames)} frames not judged in full")
