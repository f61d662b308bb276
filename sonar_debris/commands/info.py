"""``sonar-debris info``: what a file of frames is."""

import json
import sys
from pathlib import Path

import click


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For programs: an object; of a folder, a list of them.")
@click.option(
    "--thumbnail", type=click.Path(dir_okay=False, path_type=Path), metavar="OUT.png", help="Draw the first frame."
)
def info(path: Path, as_json: bool, thumbnail: Path | None) -> None:
    """Tell what a file is, or each file of a folder: format, sonar, beams, frames, time span, range window, position.

    \b
    Example:
      sonar-debris info dive-07.aris --thumbnail first.png
    """
    from sonar_debris.commands.inputs import Failures, exit_code
    from sonar_debris.frames import FrameReadError
    from sonar_debris.frames.description import describe
    from sonar_debris.frames.loader import find_files

    failures, known = Failures(), []
    files = find_files(path, lambda error: failures.add(error.name, error.problem)) if path.is_dir() else [path]
    for file in files:
        try:
            known.append(describe(file))
        except FrameReadError as error:
            failures.add(error.name, error.problem)
    if known:
        shown = known if path.is_dir() else known[0]
        click.echo(json.dumps(shown, indent=1) if as_json else "\n\n".join("\n".join(lines(each)) for each in known))
    if thumbnail and known:
        draw(Path(known[0]["file"]), thumbnail)
    sys.exit(exit_code(len(known), len(failures.found)))


def lines(about: dict) -> list[str]:
    """One line a fact, the names in a column."""
    width = max(map(len, about))
    return [f"{name:<{width}}  {in_words(value)}" for name, value in about.items()]


def in_words(value: object) -> str:
    """A pair as from … to, anything else as it prints."""
    return " to ".join(map(str, value)) if isinstance(value, list) else str(value)


def draw(path: Path, thumbnail: Path) -> None:
    """Write the first frame as PNG."""
    from sonar_debris.files import write_png
    from sonar_debris.frames.description import first_frame

    image = first_frame(path).image
    write_png(thumbnail, (image * (255 / (image.max() or 1))).astype("uint8"))
