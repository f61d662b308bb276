"""Write the report of a survey: the page, and what it shows as scripts.

A page that was opened as a file may not read other files, so its data are scripts that call ``Report.…``. Detections
are numbered in the order of source, position and rank. ``index.js`` has what the filters need of every detection; the
rest is split into parts, which the page loads when it shows them.
"""

import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from sonar_debris.errors import SonarDebrisWarning
from sonar_debris.files import OutputError, atomic_text, open_output_folder
from sonar_debris.frames.frame import utc_time
from sonar_debris.survey.folder import is_report, read_settings
from sonar_debris.survey.objects import find_objects
from sonar_debris.survey.report.pictures import (
    MissingPictures,
    picture_name,
    plot_positions,
    plot_timeline,
    write_pictures,
)
from sonar_debris.survey.store import SurveyStore, open_survey

PAGE = Path(__file__).parent / "page"
REPORT_FOLDER = "report"
# A part has at least this many detections, except the last; those of a frame stay together.
MIN_DETECTIONS_PER_PART = 500
# The page lists at most this many failures; failures.csv has all.
MAX_FAILURES = 1000
DETECTION_COLUMNS = (
    "x",
    "y",
    "w",
    "h",
    "range_m",
    "bearing_deg",
    "width_m",
    "range_extent_m",
    "latitude",
    "longitude",
)


def write_report(
    folder: str | os.PathLike[str],
    progress: Callable[[int, int], None] | None = None,
    output: str | os.PathLike[str] | None = None,
) -> Path:
    """Find the objects of a survey and write its report.

    Pictures of an earlier report are kept, not written again.

    Args:
        folder: the survey's folder.
        progress: called with the number of frames whose picture exists, and with their total.
        output: folder of the report; ``folder/report`` by default.

    Returns:
        The page to open.

    Raises:
        SonarDebrisError: the folder holds no survey, or its manifest is damaged; or the report's folder holds files
            that this program did not write.

    Warns:
        SonarDebrisWarning: pictures of a source cannot be made, because its file was moved or damaged; the page lists
            them, too.
    """
    report = Path(output or Path(folder) / REPORT_FOLDER)
    with open_survey(folder) as store:
        find_objects(store)
        open_output_folder(report)
        _check_no_other_page(report)
        shutil.copytree(PAGE, report, dirs_exist_ok=True)
        missing = write_pictures(store, report, progress)
        plot_timeline(store, report / "timeline.svg")
        plot_positions(store, report / "places.svg")
        _write_data(store, report, Path(folder), missing)
    for part in missing:
        message = f"{part.file}: pictures that the report lacks: {part.pictures} ({part.reason})"
        warnings.warn(SonarDebrisWarning(message), stacklevel=2)
    return report / "index.html"


def _check_no_other_page(report: Path) -> None:
    """Refuse a folder with files of the user that the report would replace."""
    in_the_way = [name for name in (path.name for path in PAGE.iterdir()) if (report / name).exists()]
    if in_the_way and not is_report(report):
        raise OutputError(
            f"{report / in_the_way[0]}: not written by sonar-debris; choose another folder for the report with -o"
        )


def script(method: str, *values: object) -> str:
    """Return a script that passes values to the page.

    Args:
        method: method of the page's ``Report`` that receives them.
        *values: what JSON can hold, without NaN.

    Returns:
        One line of JavaScript.

    Example:
        >>> script("setReview", {"token": None})
        'Report.setReview({"token": null});\\n'
    """
    return f"Report.{method}({', '.join(json.dumps(value, allow_nan=False) for value in values)});\n"


def _write_data(store: SurveyStore, report: Path, survey: Path, missing: list[MissingPictures]) -> None:
    """Write ``data/survey.js``, ``data/index.js``, the parts ``data/part-….js``, and ``data/review.js``."""
    folder = report / "data"
    folder.mkdir(exist_ok=True)
    part_starts = []
    for number, (start, frames) in enumerate(detection_parts(store, report)):
        part_starts.append(start)
        part = {"columns": DETECTION_COLUMNS, "frames": frames}
        _write_script(folder / f"part-{number:05d}.js", "addPart", number, part)
    _write_script(folder / "index.js", "setIndex", _index(store) | {"partStarts": part_starts})
    content = _survey(store, survey) | {"missing": [pictures._asdict() for pictures in missing]}
    _write_script(folder / "survey.js", "setSurvey", content)
    # Only `survey review` serves a token, with which the page may store decisions.
    _write_script(folder / "review.js", "setReview", {"token": None})


def _write_script(path: Path, method: str, *values: object) -> None:
    with atomic_text(path) as stream:
        stream.write(script(method, *values))


def _survey(store: SurveyStore, folder: Path) -> dict[str, Any]:
    """Return the totals, settings, objects and failures of a survey."""
    counts = store.counts()
    manifest = read_settings(store)
    return {
        "name": folder.resolve().name,
        "model": manifest["model"],
        "minScore": manifest["min_score"],
        "version": manifest["version"],
        "classes": manifest["classes"],
        "frames": counts.frames,
        "sources": store.source_names(),
        "totals": [
            {"class": totals.class_name, "objects": totals.objects, "detections": totals.detections}
            for totals in store.class_totals()
        ],
        # The gallery shows each object by its best detection.
        "objects": [{"detection": number, "frames": frames} for number, frames in store.best_detections().items()],
        "failures": [failure._asdict() for failure in store.failures(MAX_FAILURES)],
        "failureCount": counts.failures,
    }


def _index(store: SurveyStore) -> dict[str, Any]:
    """Return source, class, score and verdict of every detection; classes and verdicts are indices into lists."""
    detections = store.reviewed_detections()
    class_names = sorted({detection.class_name for detection in detections})
    verdict_names = sorted({detection.verdict for detection in detections})
    class_ids = {name: class_id for class_id, name in enumerate(class_names)}
    return {
        "classNames": class_names,
        "verdictNames": verdict_names,
        "source": [detection.source for detection in detections],
        "classId": [class_ids[detection.class_name] for detection in detections],
        "score": [round(detection.score, 3) for detection in detections],
        "verdict": [verdict_names.index(detection.verdict) for detection in detections],
    }


def time_text(seconds: float | None) -> str:
    """Return a time as ISO 8601 in UTC, or in seconds if it counts from the start of a video; empty if unknown."""
    return utc_time(seconds) or ("" if seconds is None else f"{seconds:.1f} s")


def detection_parts(store: SurveyStore, report: Path) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Split the detections of a survey into parts, without reading all into memory.

    Args:
        store: the survey.
        report: the report's folder, with its pictures written.

    Yields:
        The number of the part's first detection, and the frames with their detections: the values of
        `DETECTION_COLUMNS`.
    """
    columns = attrgetter(*DETECTION_COLUMNS)
    start, count = 0, 0
    frames: list[dict[str, Any]] = []
    for (source, position), group in groupby(store.detections_in_frames(), key=attrgetter("source", "position")):
        detections = list(group)
        picture = picture_name(source, position)
        frames.append(
            {
                "source": source,
                "position": position,
                "rows": detections[0].rows,
                "cols": detections[0].cols,
                "time": time_text(detections[0].time),
                "picture": picture if (report / picture).is_file() else None,
                "first": start + count,
                "detections": [columns(detection) for detection in detections],
            }
        )
        count += len(detections)
        if count >= MIN_DETECTIONS_PER_PART:
            yield start, frames
            start, count, frames = start + count, 0, []
    if frames:
        yield start, frames
