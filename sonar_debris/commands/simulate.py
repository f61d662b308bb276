"""``sonar-debris simulate``: sonar frames with known truth."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sonar_debris import __version__
from sonar_debris.commands.progress import frame_progress

if TYPE_CHECKING:
    from sonar_debris.simulator.ground_truth import CocoTruth


@click.command()
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="OUT", help="Frames go here.")
@click.option("--frames", type=click.IntRange(min=1), default=16, show_default=True, help="How many frames.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same frames.")
@click.option("--format", "kind", type=click.Choice(["png", "aris"]), default="png", show_default=True)
@click.option(
    "--dive", is_flag=True, help="The sonar moves on over objects that it sees in many frames; an ARIS recording."
)
def simulate(output: Path, frames: int, seed: int, kind: str, dive: bool) -> None:
    """Make simulated sonar frames with ground truth.

    OUT receives frame-0000.png, frame-0001.png, … or, with --format aris, the recording survey.aris, and
    truth.coco.json: the box and the class of every object. Each frame shows another scene of one to four objects, or,
    with --dive, the next of a survey's, and the truth tells which object (object_id) a box belongs to.

    \b
    Example:
      sonar-debris simulate -o practice --frames 100 --seed 7
    """
    from sonar_debris.files import atomic_text, open_output_folder
    from sonar_debris.simulator.ground_truth import CocoTruth

    open_output_folder(output)
    kind = "aris" if dive else kind
    command = f"sonar-debris simulate --frames {frames} --seed {seed} --format {kind}{' --dive' if dive else ''}"
    truth = CocoTruth({"version": __version__, "command": command})
    with frame_progress(frames) as show_done:
        if kind == "png":
            write_pngs(output, frames, seed, truth, show_done)
        else:
            write_recording(output, frames, seed, dive, truth, show_done)
    with atomic_text(output / "truth.coco.json") as stream:
        json.dump(truth.content(), stream, indent=1)
    click.echo(f"{frames} frames simulated, {truth.objects} objects in them, output in {output}")


def write_pngs(folder: Path, frames: int, seed: int, truth: "CocoTruth", show_done: Callable[[int], None]) -> None:
    """Write each frame as PNG."""
    from sonar_debris.files import write_png
    from sonar_debris.simulator import simulate_frames

    for index, (image, xyxy, class_id) in enumerate(simulate_frames(frames, seed)):
        path = folder / f"frame-{index:04d}.png"
        write_png(path, image)
        truth.add(path.name, image.shape, xyxy, class_id)
        show_done(index + 1)


def write_recording(
    folder: Path, frames: int, seed: int, dive: bool, truth: "CocoTruth", show_done: Callable[[int], None]
) -> None:
    """Write all frames as an ARIS recording."""
    from sonar_debris.frames.aris_format import write_aris
    from sonar_debris.simulator.dive import ADVANCE, dive_scenes
    from sonar_debris.simulator.recording import FAN, frame_shape, random_scenes, record

    scenes = record(dive_scenes(frames, FAN, seed), ADVANCE) if dive else record(random_scenes(frames, seed))

    shape = frame_shape()

    def recorded() -> Iterator[tuple]:
        for index, (echoes, header, scene) in enumerate(scenes):
            truth.add("survey.aris", shape, scene.xyxy, scene.class_id, index, scene.object_id)
            yield echoes, header
            show_done(index + 1)

    write_aris(folder / "survey.aris", recorded())
