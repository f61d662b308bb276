"""``sonar-debris convert``: a recording to images or to a video, with what is known of each frame beside them."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sonar_debris.commands.inputs import Failures, InputOptions, exit_code, open_inputs, with_input_options
from sonar_debris.commands.progress import frame_progress

if TYPE_CHECKING:
    from sonar_debris.frames import Frame

VIDEOS = (".mp4", ".mkv")
# Lossless: detection in a lossy video finds other weak objects than in the recording.
CODEC = "FFV1"


@click.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path), metavar="IN")
@click.argument("output", type=click.Path(path_type=Path), metavar="OUT")
@click.option("--rate", type=click.FloatRange(0.1, 1000), default=10.0, show_default=True, help="Of a video, hertz.")
@with_input_options
def convert(source: Path, output: Path, rate: float, input_options: InputOptions) -> None:
    """Convert a recording to a folder of PNG images, or to a video if OUT ends in .mp4 or .mkv.

    A video is lossless (FFV1: VLC, mpv and ffmpeg play it). Geometry, navigation and time of the frames go into
    geometry.json beside them, where detect finds them again.

    \b
    Example:
      sonar-debris convert dive-07.aris dive-07-images
    """
    from sonar_debris.files import check_outside, open_output_folder
    from sonar_debris.frames.sidecar import write_sidecar

    video = output.suffix.lower() in VIDEOS
    folder = output.parent if video else output
    check_outside(output, [source])
    failures, known = Failures(), []
    frames, total = open_inputs([str(source)], failures, input_options)
    if not total:
        sys.exit(2)
    open_output_folder(folder)
    write = write_video(output, rate) if video else write_images(output)
    next(write)
    with frame_progress(total) as show_done:
        for frame in frames:
            known.append((write.send(frame), frame_without_image(frame)))
            show_done(len(known))
    write.close()
    write_sidecar(folder, known)
    click.echo(f"{len(known)} frames in {output}, {len(failures.found)} failed")
    sys.exit(exit_code(len(known), len(failures.found)))


def frame_without_image(frame: "Frame") -> "Frame":
    """What is known of a frame: a long recording's images would fill the memory."""
    from dataclasses import replace

    # A copy: a view, however small, would keep the whole image.
    return replace(frame, image=frame.image[:0].copy())


def write_images(folder: Path) -> Iterator[str]:
    """Take frames, write each as PNG, give its file's name."""
    from sonar_debris.files import write_png

    name, count = "", 0
    while True:
        frame = yield name
        name = f"frame-{count:06d}.png"
        write_png(folder / name, frame.as_bytes())
        count += 1


def write_video(path: Path, rate: float) -> Iterator[str]:
    """Take frames, add each to a video, give the video's name."""
    import cv2

    frame = yield ""
    rows, cols = frame.image.shape
    # The codec halves colour's resolution, for which it needs an even number of rows and columns.
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*CODEC), rate, (cols + cols % 2, rows + rows % 2))
    if not video.isOpened():
        raise OSError(f"{path}: the video cannot be written")
    try:
        while True:
            if frame.image.shape != (rows, cols):
                raise OSError(f"{path}: the frames of a video are of one size; convert to images instead")
            padded = cv2.copyMakeBorder(frame.as_bytes(), 0, rows % 2, 0, cols % 2, cv2.BORDER_CONSTANT)
            video.write(cv2.cvtColor(padded, cv2.COLOR_GRAY2BGR))
            frame = yield path.name
    finally:
        video.release()
