"""Draw why a detector reports an object: its frame, saliency maps over it, and similar labelled objects."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sonar_debris.files import atomic_path

# Saliency is drawn from this percentile upwards; below it the frame is visible.
TRANSPARENT_BELOW = 60
MAX_ALPHA = 0.65


def draw_explanation(
    path: Path,
    image: np.ndarray,
    window: np.ndarray,
    box: np.ndarray,
    title: str,
    maps: Mapping[str, np.ndarray],
    crops: Sequence[tuple[np.ndarray, str]] = (),
) -> None:
    """Draw the whole frame, the window with each map, and below them the similar objects.

    Args:
        path: the PNG to write, atomically.
        image: ``(rows, cols)`` float32, the frame.
        window: ``(4,)`` int, left, top, right and bottom in pixels of the part that the maps cover.
        box: ``(4,)`` the detection in pixels of the frame.
        title: title of the first picture.
        maps: title → ``(rows, cols)`` values of the window's pixels; negative ones are not drawn.
        crops: images of similar objects, and their captions.
    """
    columns = max(2 + len(maps), len(crops))
    figure = Figure(figsize=(2.6 * columns, 6.2 if crops else 3.6), layout="constrained")
    rows = figure.subplots(2 if crops else 1, columns, squeeze=False)
    for axes in rows.flat:
        axes.set_axis_off()
    left, top, right, bottom = window
    _show(rows[0, 0], image, title)
    _outline(rows[0, 0], box)
    part, shifted = image[top:bottom, left:right], box - np.tile(window[:2], 2)
    _show(rows[0, 1], part, "the object")
    _outline(rows[0, 1], shifted)
    for axes, (name, values) in zip(rows[0, 2:], maps.items(), strict=False):
        _show(axes, part, name)
        _overlay(axes, values)
        _outline(axes, shifted)
    for axes, (crop, caption) in zip(rows[-1], crops, strict=False):
        _show(axes, crop, caption)
    with atomic_path(path) as partial:
        figure.savefig(partial, dpi=110, format="png")


def _show(axes: Axes, image: np.ndarray, title: str) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=float(image.max()) or 1.0)
    axes.set_title(title, fontsize="small")


def _outline(axes: Axes, box: np.ndarray) -> None:
    left, top, right, bottom = box
    axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor="#ffd54a", linewidth=1.2))


def _overlay(axes: Axes, values: np.ndarray) -> None:
    positive = values.clip(min=0)
    highest = float(positive.max())
    if highest:
        relative = positive / highest
        threshold = np.percentile(relative, TRANSPARENT_BELOW)
        alpha = MAX_ALPHA * ((relative - threshold) / max(1 - threshold, 1e-9)).clip(0, 1) ** 0.5
        axes.imshow(relative, cmap="inferno", alpha=alpha, vmin=0, vmax=1)
