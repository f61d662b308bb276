"""``sonar-debris info``: what a file of frames is."""

import json
from pathlib import Path

import click


@click.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option(
    "--thumbnail", type=click.Path(dir_okay=False, path_type=Path), metavar="OUT.png", help="Draw the first frame."
)
def info(path: Path, as_json: bool, thumbnail: Path | None) -> None:
    """Tell what a file is: format, sonar, beams, frames, time span, range window, position.

    \b
    Example:
      sonar-debris info dive-07.aris --thumbnail first.png
    """
    from sonar_debris.frames.description import describe

    about = describe(path)
    click.echo(json.dumps(about, indent=1) if as_json else "\n".join(lines(about)))
    if thumbnail:
        draw(path, thumbnail)


def lines(about: dict) -> list[str]:
    """One line a fact, the names in a column."""
    width = max(map(len, about))
    return [f"{name:<{width}}  {in_words(value)}" for name, value in about.items()]


def in_words(value: object) -> str:
    """A pair as from … to, anything else as it prints."""
    return " to ".join(map(str, value)) if isinstance(value, list) else str(value)


def draw(path: Path, thumbnail: Path) -> None:
    """Write the first frame as PNG."""
    import cv2

    from sonar_debris.frames import open_frames

    image = next(open_frames(path)).image
    _, png = cv2.imencode(".png", (image * (255 / (image.max() or 1))).astype("uint8"))
    thumbnail.write_bytes(png.tobytes())
