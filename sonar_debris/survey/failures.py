"""What of a survey could not be read or searched, as a table."""

import csv
from pathlib import Path

from sonar_debris.outputs.atomic import atomic_text
from sonar_debris.survey.store import SurveyStore

NAME = "failures.csv"
QUERY = """
SELECT name, NULL, failure FROM source WHERE failure IS NOT NULL
UNION ALL
SELECT source.name, frame.position, frame.failure FROM frame JOIN source ON source.id = frame.source
WHERE frame.failure IS NOT NULL
ORDER BY 1, 2
"""


def write_failures(store: SurveyStore, folder: Path) -> None:
    """Write ``failures.csv``: file, frame (empty where the file is meant), reason."""
    with atomic_text(folder / NAME) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("file", "frame", "reason"))
        writer.writerows(store.read(QUERY))
