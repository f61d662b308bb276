"""``sonar-debris simulate``: sonar frames with known truth."""

import json
from pathlib import Path

import click

from sonar_debris import __version__
from sonar_debris.commands.progress import frame_progress


@click.command()
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="OUT", help="Frames go here.")
@click.option("--frames", type=click.IntRange(min=1), default=16, show_default=True, help="How many frames.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same frames.")
def simulate(output: Path, frames: int, seed: int) -> None:
    """Make simulated sonar frames with ground truth.

    OUT receives frame-0000.png, frame-0001.png, … and truth.coco.json: the box and the class of every object.
    Each frame shows another scene of one to four objects.

    \b
    Example:
      sonar-debris simulate -o practice --frames 100 --seed 7
    """
    from sonar_debris.outputs.atomic import atomic_text
    from sonar_debris.outputs.folder import open_output_folder
    from sonar_debris.simulator import simulate_frames
    from sonar_debris.simulator.truth import CocoTruth

    open_output_folder(output)
    truth = CocoTruth({"version": __version__, "command": f"sonar-debris simulate --frames {frames} --seed {seed}"})
    objects = 0
    with frame_progress(frames) as show_done:
        for index, (image, xyxy, class_id) in enumerate(simulate_frames(frames, seed)):
            path = output / f"frame-{index:04d}.png"
            write_png(path, image)
            truth.add(path.name, image, xyxy, class_id)
            objects += len(xyxy)
            show_done(index + 1)
    with atomic_text(output / "truth.coco.json") as stream:
        json.dump(truth.content(), stream, indent=1)
    click.echo(f"{frames} frames simulated, {objects} objects in them, output in {output}")


def write_png(path: Path, image) -> None:
    """Write a ``(rows, cols)`` uint8 image; an OSError says what went wrong, which cv2.imwrite would not."""
    import cv2

    _, png = cv2.imencode(".png", image)
    path.write_bytes(png.tobytes())
