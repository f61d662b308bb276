"""Plots of a survey: when things were found, and where the objects lie."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sonar_debris.survey.store import SurveyStore
from sonar_debris.survey.tracking import local_metres

BINS = 80
TIMES = """
SELECT class, frame.time FROM judged JOIN frame USING (source, position)
WHERE verdict != 'rejected' ORDER BY source, position, rank
"""
# Of images without a time and of recordings without a clock: frames, in the order of the survey.
ORDER = """
SELECT class, number FROM judged
JOIN (SELECT source, position, ROW_NUMBER() OVER (ORDER BY source, position) AS number FROM frame)
    USING (source, position)
WHERE verdict != 'rejected' ORDER BY source, position, rank
"""
PLACES = """
SELECT object.class, object.latitude, object.longitude, range_m, bearing_deg
FROM object JOIN detection USING (source, position, rank) ORDER BY object.id
"""


def plot_timeline(store: SurveyStore, path: Path) -> None:
    """Draw how many detections of each class there are over time, or over the frames where no time is known."""
    found = store.table(TIMES).rename(columns={"time": "at"})
    timed = len(found) > 0 and bool(found["at"].notna().all())
    if not timed:
        found = store.table(ORDER).rename(columns={"number": "at"})
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    at = [_dates(rows["at"]) if timed else rows["at"].to_numpy() for _, rows in found.groupby("class")]
    if at:
        names = sorted(found["class"].unique())
        axes.hist(at, bins=BINS, stacked=True, label=names, color=_colours(names))
        axes.legend(fontsize="small", ncols=2)
    axes.set(xlabel="time (UTC)" if timed else "frame", ylabel="detections")
    figure.savefig(path)


def plot_places(store: SurveyStore, path: Path) -> None:
    """Draw where the objects lie: on a map if that is known, else as seen from the sonar; an empty plot if neither."""
    places = store.table(PLACES)
    located, seen = places.dropna(subset=["latitude", "longitude"]), places.dropna(subset=["range_m", "bearing_deg"])
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    if len(located):
        metres = local_metres(located["latitude"], located["longitude"])
        first = f"{located['latitude'].iloc[0]:.6f}, {located['longitude'].iloc[0]:.6f}"
        axes.set(xlabel=f"metres east of {first}", ylabel="metres north")
        _scatter(axes, located["class"], metres)
    elif len(seen):
        bearing = np.radians(seen["bearing_deg"])
        metres = np.column_stack([np.sin(bearing), np.cos(bearing)]) * seen[["range_m"]].to_numpy()
        axes.set(xlabel="metres to the right of the sonar", ylabel="metres ahead of the sonar")
        _scatter(axes, seen["class"], metres)
    else:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no ranges are known", ha="center")
    figure.savefig(path)


def _scatter(axes: Axes, names: pd.Series, metres: np.ndarray) -> None:
    known = sorted(names.unique())
    for name, colour in zip(known, _colours(known), strict=True):
        axes.scatter(*metres[(names == name).to_numpy()].T, label=name, color=colour, s=18)
    axes.set_aspect("equal", adjustable="datalim")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")


def _dates(seconds: pd.Series) -> list[datetime]:
    return [datetime.fromtimestamp(each, UTC) for each in seconds]


def _colours(names: list[str]) -> list[tuple]:
    return [colormaps["tab20"].colors[number % 20] for number in range(len(names))]
