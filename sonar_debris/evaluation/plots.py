"""Plots of the reports, drawn without a display."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure


def plot_curves(
    path: Path, curves: Mapping[str, tuple[Sequence, Sequence]], x: str, y: str, log_x: bool = False
) -> None:
    """Draw named curves.

    Args:
        path: the PNG to write.
        curves: for each name its abscissae and its ordinates.
        x: what the abscissa is.
        y: what the ordinate is.
        log_x: a logarithmic abscissa.
    """
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    # The default cycle has ten colours, after which they come again.
    axes.set_prop_cycle(color=colormaps["tab10" if len(curves) <= 10 else "tab20"].colors)
    for name, points in curves.items():
        axes.plot(*points, marker=".", label=name)
    axes.set(xlabel=x, ylabel=y, xscale="log" if log_x else "linear")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=120)


def plot_confusion(path: Path, true: Sequence[int], given: Sequence[int], names: Sequence[str]) -> None:
    """Draw a confusion matrix, each row as shares of a true class."""
    from sklearn.metrics import ConfusionMatrixDisplay

    figure = Figure(figsize=(7, 6.5), layout="constrained")
    ConfusionMatrixDisplay.from_predictions(
        true,
        given,
        labels=range(len(names)),
        display_labels=names,
        normalize="true",
        values_format=".2f",
        xticks_rotation="vertical",
        ax=figure.subplots(),
        colorbar=False,
    )
    figure.savefig(path, dpi=120)


def plot_filters(path: Path, kernels: np.ndarray) -> None:
    """Draw first-layer convolution kernels ``(rows, cols, 1, filters)``, each in its own range of grey."""
    filters = np.moveaxis(kernels[..., 0, :], -1, 0)
    figure = Figure(figsize=(8, 4), layout="constrained")
    for axes, kernel in zip(figure.subplots(-(-len(filters) // 8), 8).flat, filters, strict=False):
        axes.imshow(kernel, cmap="gray")
        axes.set_axis_off()
    figure.savefig(path, dpi=120)
