"""A survey's objects beside the true ones."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from sonar_debris.errors import SonarDebrisError
from sonar_debris.evaluation.matching import greedy_match
from sonar_debris.survey.objects import MIN_FRAMES
from sonar_debris.survey.store import SurveyStore

SIGHTINGS = """
SELECT source.name, position, x, y, x + w, y + h, object
FROM sighting JOIN judged USING (source, position, rank) JOIN source ON source.id = judged.source
ORDER BY judged.source, position, rank
"""


@dataclass(frozen=True)
class Counts:
    """How a survey's objects compare with the true ones.

    Attributes:
        true: objects of each class that were in sight in as many frames as an object takes.
        found: objects of each class.
        switches: how often a true object was taken for another object than in the frame before in which it was seen
            (identity switches).
        seen: true boxes that an object's detection meets with an IoU of 0.5 or more.
        boxes: all true boxes.
    """

    true: Counter
    found: Counter
    switches: int
    seen: int
    boxes: int


def compare(store: SurveyStore, truth: Path) -> Counts:
    """Compare a survey with the truth of ``simulate --dive``.

    Args:
        store: of the survey, its objects found.
        truth: COCO labels whose annotations have an ``object_id``; files are told apart by their names without folders.

    Raises:
        SonarDebrisError: it holds no such labels.

    Reference:
        Bernardin and Stiefelhagen, Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics, 2008.
    """
    frames, names = _read_truth(truth)
    often = Counter(number for _, numbers in frames.values() for number in numbers)
    found: dict[tuple[str, int], list] = defaultdict(list)
    for name, position, *box, number in store.rows(SIGHTINGS):
        found[PurePosixPath(name).name, position].append((box, number))
    taken, switches, seen = {}, 0, 0
    for key, (true, numbers) in sorted(frames.items()):
        boxes = np.array([box for box, _ in found[key]], np.float32).reshape(-1, 4)
        for at, which in enumerate(greedy_match(true, boxes)):
            if which >= 0:
                now = found[key][at][1]
                switches += taken.get(numbers[which], now) != now
                taken[numbers[which]] = now
                seen += 1
    return Counts(
        Counter(names[number] for number, count in often.items() if count >= MIN_FRAMES),
        Counter(dict(store.read("SELECT class, COUNT(*) FROM object GROUP BY class"))),
        switches,
        seen,
        sum(often.values()),
    )


def _read_truth(path: Path) -> tuple[dict[tuple[str, int], tuple[np.ndarray, list]], dict]:
    """The boxes of each frame and whose they are, and the classes of the objects."""
    try:
        truth = json.loads(path.read_text())
        names = {category["id"]: category["name"] for category in truth["categories"]}
        rows = defaultdict(list)
        for annotation in truth["annotations"]:
            rows[annotation["image_id"]].append(annotation)
        frames = {}
        for image in truth["images"]:
            boxes = np.array([each["bbox"] for each in rows[image["id"]]], np.float32).reshape(-1, 4)
            xyxy = np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])
            key = PurePosixPath(image["file_name"]).name, image.get("frame_index", 0)
            frames[key] = xyxy, [each["object_id"] for each in rows[image["id"]]]
        return frames, {each["object_id"]: names[each["category_id"]] for each in truth["annotations"]}
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise SonarDebrisError(f"{path}: no truth with object_id, as simulate --dive writes it ({error!r})") from error
