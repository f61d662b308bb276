"""What the report's page shows, as scripts: a page that was opened as a file may not read other files.

Detections are numbered in the order of source, position and rank. ``index.js`` knows of each what filters ask for;
the rest comes in parts, when it is looked at.
"""

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from sonar_debris.files import atomic_text
from sonar_debris.survey.manifest import read_manifest
from sonar_debris.survey.report.pictures import picture_name
from sonar_debris.survey.store import FAILURES_QUERY as FAILURES
from sonar_debris.survey.store import SurveyStore

# Detections a part, at least: a frame's stay together.
PART = 500
# Failures that the page lists; failures.csv has all.
LISTED = 1000
INDEX = "SELECT source, class, score, verdict FROM judged ORDER BY source, position, rank"
DETECTIONS = """
SELECT source, position, frame.rows, frame.cols, frame.time, x, y, w, h, range_m, bearing_deg, width_m, height_m,
    detection.latitude, detection.longitude
FROM detection JOIN frame USING (source, position) ORDER BY source, position, rank
"""
OBJECTS = """
SELECT object.class, agreement, object.score, frames, first_time, last_time, latitude, longitude, number
FROM object JOIN (
    SELECT source, position, rank, ROW_NUMBER() OVER (ORDER BY source, position, rank) - 1 AS number FROM detection
) USING (source, position, rank)
ORDER BY object.id
"""
TOTALS = """
SELECT class, COUNT(*), (SELECT COUNT(*) FROM object WHERE object.class = judged.class)
FROM judged WHERE verdict != 'rejected' GROUP BY class ORDER BY 3 DESC, class
"""


def write_data(store: SurveyStore, report: Path) -> None:
    """Write ``data/survey.js``, ``data/index.js`` and the parts ``data/part-….js``."""
    folder = report / "data"
    folder.mkdir(exist_ok=True)
    starts = []
    for number, (start, part) in enumerate(_parts(store, report)):
        starts.append(start)
        _write(folder / f"part-{number:05d}.js", "part", number, part)
    _write(folder / "index.js", "index", _index(store) | {"parts": starts})
    _write(folder / "survey.js", "survey", _survey(store, report.parent))


def script(kind: str, *values: object) -> str:
    """A script that hands values to the page."""
    return f"Report.{kind}({', '.join(json.dumps(value, allow_nan=False) for value in values)});\n"


def _write(path: Path, kind: str, *values: object) -> None:
    with atomic_text(path) as stream:
        stream.write(script(kind, *values))


def _survey(store: SurveyStore, folder: Path) -> dict:
    ((frames, failed),) = store.read("SELECT COUNT(*), COUNT(failure) FROM frame")
    ((sources, broken),) = store.read("SELECT COUNT(*), COUNT(failure) FROM source")
    manifest = read_manifest(folder)
    return {
        "name": folder.resolve().name,
        "model": manifest["model"],
        "minScore": manifest["min_score"],
        "version": manifest["version"],
        "classes": manifest["classes"],
        "frames": frames,
        "sources": dict(store.read("SELECT id, name FROM source ORDER BY id")),
        "totals": store.read(TOTALS),
        "objects": store.read(OBJECTS),
        "failures": store.read(f"{FAILURES} LIMIT {LISTED}"),
        "failureCount": failed + broken,
    }


def _index(store: SurveyStore) -> dict:
    """Of each detection the source, the class (by its place in the list of those there are), the score, the verdict."""
    rows = store.read(INDEX)
    names = sorted({name for _, name, *_ in rows})
    return {
        "names": names,
        "source": [source for source, *_ in rows],
        "name": [names.index(name) for _, name, *_ in rows],
        "score": [round(score, 3) for _, _, score, _ in rows],
        "verdict": [verdict[0] for *_, verdict in rows],
    }


def _parts(store: SurveyStore, report: Path) -> Iterator[tuple[int, list[dict]]]:
    """The number of each part's first detection, and its frames with their detections."""
    start, count, frames = 0, 0, []
    for (source, position), rows in groupby(store.rows(DETECTIONS), key=lambda row: row[:2]):
        rows = list(rows)
        there = (report / picture_name(source, position)).is_file()
        frames.append(
            {
                "source": source,
                "position": position,
                "rows": rows[0][2],
                "cols": rows[0][3],
                "time": rows[0][4],
                "picture": picture_name(source, position) if there else None,
                "first": start + count,
                "detections": [row[5:] for row in rows],
            }
        )
        count += len(rows)
        if count >= PART:
            yield start, frames
            start, count, frames = start + count, 0, []
    if frames:
        yield start, frames
