"""``sonar-debris simulate``: simulated sonar frames with ground truth."""

from pathlib import Path

import click

from sonar_debris.commands.progress import frame_progress


@click.command()
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="OUT", help="Folder to write to."
)
@click.option("--frames", type=click.IntRange(min=1), default=16, show_default=True, help="Number of frames.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The same seed gives the same frames."
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["png", "aris"]),
    default="png",
    show_default=True,
    help="PNG files, or one ARIS recording.",
)
@click.option(
    "--dive", is_flag=True, help="Move the sonar over objects that it sees in many frames; writes an ARIS recording."
)
@click.option(
    "--new-shapes",
    "new_share",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="SHARE",
    help="Share of the dive's objects that no shipped model was trained on: anchors, bicycles, ladders, nets.",
)
def simulate(output: Path, frames: int, seed: int, file_format: str, dive: bool, new_share: float) -> None:
    """Make simulated sonar frames with ground truth.

    OUT receives frame-0000.png, frame-0001.png, … or, with --format aris, the recording survey.aris. It also receives
    truth.coco.json: the labelled boxes, with the class of each object. Each frame shows a different scene of one to
    four objects. With --dive the frames follow each other along a survey, and the boxes of an object share an
    object_id.

    \b
    Example:
      sonar-debris simulate -o practice --frames 100 --seed 7
    """
    from sonar_debris.simulator.ground_truth import simulate as simulate_to_folder

    if new_share and not dive:
        raise click.UsageError("--new-shapes requires --dive.")
    with frame_progress(frames) as show_done:
        truth = simulate_to_folder(
            output,
            frames,
            seed,
            dive,
            file_format == "aris",
            new_share,
            progress=lambda done, total: show_done(done),
        )
    click.echo(f"{truth.frames} frames simulated with {truth.boxes} labelled boxes, output in {output}")
