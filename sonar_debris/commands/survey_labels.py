"""``sonar-debris survey labels``: what a person judged, to train on."""

from pathlib import Path

import click

FORMATS = ("coco", "voc", "yolo")


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.option("--format", "name", type=click.Choice(FORMATS), default="yolo", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="OUT", help="[default: DIR/labels]")
def labels(folder: Path, name: str, output: Path | None) -> None:
    """Write the frames of which every detection was judged, with labels that train detector reads.

    \b
    Example:
      sonar-debris survey labels night -o night-labels
      sonar-debris train detector --images night-labels/images --labels night-labels/labels -o mine
    """
    from sonar_debris.commands.survey_export import check_installed
    from sonar_debris.outputs.folder import open_output_folder
    from sonar_debris.survey.exports.frames import export_frames, judged_frames
    from sonar_debris.survey.exports.labels import write_dataset
    from sonar_debris.survey.store import open_survey

    check_installed(name, ["supervision"])
    output = open_output_folder(output or folder / "labels")
    with open_survey(folder) as store:
        frames = export_frames(store, output, judged_frames(store))
        shown = store.count_shown()
    if not frames:
        raise click.UsageError(
            f"no frame of {folder} was judged in full; judge with: sonar-debris survey review {folder}"
        )
    write_dataset(frames, output, name)
    count = sum(len(frame.detections) for frame in frames)
    click.echo(f"{len(frames)} frames with {count} labels in {output}; {shown - len(frames)} frames not judged in full")
