"""``sonar-debris convert``: convert a recording to images or to a video, with the metadata of its frames."""

import sys
from pathlib import Path

import click

from sonar_debris.commands.inputs import InputOptions, exit_code, open_inputs, print_failures, with_input_options
from sonar_debris.commands.progress import frame_progress


@click.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path), metavar="IN")
@click.argument("output", type=click.Path(path_type=Path), metavar="OUT")
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 1000),
    default=10.0,
    show_default=True,
    help="Frame rate of a video, in frames per second.",
)
@with_input_options
def convert(source: Path, output: Path, rate: float, input_options: InputOptions) -> None:
    """Convert a recording to a folder of PNG images, or to a video if OUT ends in .mp4 or .mkv.

    Videos are lossless (FFV1; VLC, mpv and ffmpeg play them). Geometry, navigation and time of the frames are written
    to geometry.json in the same folder, where detect reads them.

    \b
    Example:
      sonar-debris convert dive-07.aris dive-07-images
      sonar-debris convert dive-07.aris dive-07.mkv --frames 100-500
    """
    from sonar_debris.files import check_outside
    from sonar_debris.outputs.frame_writers import convert_frames

    check_outside(output, [source])
    failures = print_failures()
    frames, total = open_inputs([str(source)], failures, input_options)
    if total == 0:
        sys.exit(2)
    with frame_progress(total) as progress:
        count = convert_frames(frames, output, rate, progress)
    written = "1 frame" if count == 1 else f"{count} frames"
    click.echo(f"{written} written to {output}, {len(failures)} failed")
    sys.exit(exit_code(count, len(failures)))
