"""``sonar-debris info``: describe a file of frames, or each file of a folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sonar_debris.commands.inputs import (
    exit_code,
    print_failures,
    with_heading_option,
    with_mirror_option,
    with_topic_option,
)
from sonar_debris.errors import printable_name

if TYPE_CHECKING:
    from sonar_debris.frames import FrameSelection


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON: an object for a file, a list of objects for a folder."
)
@with_topic_option
@with_mirror_option
@with_heading_option
@click.option(
    "--thumbnail",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="OUT.png",
    help="Write the first frame to this PNG file.",
)
def info(
    path: Path, as_json: bool, topic: str | None, mirror: bool, heading_offset: float, thumbnail: Path | None
) -> None:
    """Describe a file of frames, or each file of a folder.

    Prints what the file says of itself: format, sonar, beams, number of frames, time span, range window, position.

    \b
    Example:
      sonar-debris info dive-07.aris --thumbnail first.png
    """
    from sonar_debris.frames import FrameReadError, FrameSelection
    from sonar_debris.frames.description import describe
    from sonar_debris.frames.loader import find_files

    failures = print_failures()
    selection = FrameSelection(topic=topic, mirror=mirror, heading_offset=heading_offset)
    descriptions: list[dict[str, Any]] = []
    for file in find_files(path, failures.add_error) if path.is_dir() else [path]:
        try:
            descriptions.append(describe(file, selection))
        except FrameReadError as error:
            failures.add_error(error)
    if not descriptions and not failures:
        failures.add(str(path), "the folder holds no frames")
    if descriptions and as_json:
        click.echo(json.dumps(descriptions if path.is_dir() else descriptions[0], indent=1))
    elif descriptions:
        click.echo("\n\n".join(map(format_description, descriptions)))
    if descriptions and thumbnail:
        write_thumbnail(Path(descriptions[0]["file"]), thumbnail, selection)
    sys.exit(exit_code(len(descriptions), len(failures)))


def format_description(description: dict[str, Any]) -> str:
    """Return a description as text: one line per property, with the values aligned."""
    width = max(map(len, description))
    return "\n".join(f"{name:<{width}}  {format_value(value)}" for name, value in description.items())


def format_value(value: object) -> str:
    """Return ``FROM to TO`` for a pair, and the value's usual text for anything else, as far as it can be printed."""
    return printable_name(" to ".join(map(str, value)) if isinstance(value, list) else str(value))


def write_thumbnail(path: Path, thumbnail: Path, selection: FrameSelection) -> None:
    """Write the first frame of a file as PNG.

    Args:
        path: the file of frames.
        thumbnail: the PNG file.
        selection: the topic, if the file has several, and whether the frame is mirrored.
    """
    from sonar_debris.files import write_png
    from sonar_debris.frames.description import first_frame
    from sonar_debris.outputs.pictures import to_uint8

    write_png(thumbnail, to_uint8(first_frame(path, selection).image))
