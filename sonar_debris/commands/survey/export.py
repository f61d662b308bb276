"""Export a survey for other programs, and write its reviewed frames as training data."""

from pathlib import Path

import click

from sonar_debris.survey.exports import FORMATS, LABEL_FORMATS, export_survey, write_labels


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
