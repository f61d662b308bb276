"""Plots for reports: curves, confusion matrices and convolution kernels. They need no display."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import ArrayLike


def plot_curves(
    path: Path, curves: Mapping[str, tuple[ArrayLike, ArrayLike]], x_label: str, y_label: str, log_x: bool = False
) -> None:
    """Draw curves with a legend.

    Args:
        path: the PNG to write.
        curves: for each name, the x values and the y values.
        x_label: label of the x axis.
        y_label: label of the y axis.
        log_x: whether the x axis is logarithmic.
    """
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    # The default cycle repeats after ten colours.
    colours = colormaps["tab10" if len(curves) <= 10 else "tab20"]
    axes.set_prop_cycle(color=[colours(index) for index in range(colours.N)])
    for name, (x, y) in curves.items():
        axes.plot(x, y, marker=".", label=name)
    axes.set(xlabel=x_label, ylabel=y_label, xscale="log" if log_x else "linear")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=120)


def plot_confusion(
    path: Path,
    true_class: Sequence[int] | np.ndarray,
    predicted_class: Sequence[int] | np.ndarray,
    names: Sequence[str],
) -> None:
    """Draw a confusion matrix. Each row has the shares of a true class.

    Args:
        path: the PNG to write.
        true_class: ``(N,)`` indices into ``names``.
        predicted_class: ``(N,)`` indices into ``names``.
        names: the names of the classes.
    """
    from sklearn.metrics import ConfusionMatrixDisplay

    figure = Figure(figsize=(7, 6.5), layout="constrained")
    ConfusionMatrixDisplay.from_predictions(
        true_class,
        predicted_class,
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
    """Draw the convolution kernels of a first layer, each scaled to the full range of grey.

    Args:
        path: the PNG to write.
        kernels: ``(rows, cols, 1, filters)`` weights.
    """
    filters = np.moveaxis(kernels[..., 0, :], -1, 0)
    figure = Figure(figsize=(8, 4), layout="constrained")
    for axes, kernel in zip(figure.subplots(-(-len(filters) // 8), 8).flat, filters, strict=False):
        axes.imshow(kernel, cmap="gray")
        axes.set_axis_off()
    figure.savefig(path, dpi=120)
