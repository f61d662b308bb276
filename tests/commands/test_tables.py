import io
from dataclasses import replace

import numpy as np
from rich.console import Console

from sonar_debris.commands.tables import (
    audit_table,
    classification_tables,
    detection_tables,
    froc_tables,
    interval_table,
    recall_table,
    subset_table,
)
from sonar_debris.evaluation.average_precision import Interval, OperatingPoint
from sonar_debris.evaluation.classification_metrics import classification_metrics
from sonar_debris.evaluation.detection_metrics import DetectionMetrics, SubsetMetrics
from sonar_debris.evaluation.froc import Froc, ReportedObjects


def text(tables):
    console = Console(file=io.StringIO(), width=80)
    console.print(*tables)
    return console.file.getvalue()


def rows(printed):
    """Return the cells of every row."""
    lines = [line for line in printed.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


METRICS = DetectionMetrics(
    frames=2,
    detections=5,
    unknown=1,
    boxes={"can": 12, "tire": 3},
    map50=0.5,
    map50_95=0.25,
    map50_common=0.75,
    map50_95_common=None,
    ap50={"can": 0.75, "tire": 0.25},
    ap50_95={"can": 0.4, "tire": 0.1},
    recall50={10: 0.6, 100: 0.9},
    best=OperatingPoint(None, 0.1, 0.2, 0.3),
    calibration_error=0.04,
)


def test_detection_tables_show_every_metric():
    assert rows(text(detection_tables(METRICS))) == [
        ["can", "12", "0.7500", "0.4000"],
        ["tire", "3", "0.2500", "0.1000"],
        ["mean (mAP)", "15", "0.5000", "0.2500"],
        ["mean, classes of 10+ boxes", "12", "0.7500", "–"],
        ["recall", "0.6000", "0.9000"],
        ["–", "0.1000", "0.2000", "0.3000", "0.0400"],
    ]


def test_classification_tables_show_every_metric():
    probability = np.array([[0.8, 0.2], [0.3, 0.7]])
    metrics = classification_metrics(np.array([0, 0]), probability, ("can", "tire"))

    assert rows(text(classification_tables(metrics))) == [
        ["can", "2", "1.0000", "0.5000", "0.6667"],
        ["tire", "0", "0.0000", "0.0000", "0.0000"],
        ["0 can", "1", "1"],
        ["1 tire", "0", "0"],
        ["2", "0.5000", "0.4500"],
    ]


def test_intervals_and_subsets_have_one_row_each():
    intervals = interval_table({"map50": Interval(0.4, 0.6), "map50_95": Interval(0.2, 0.3)})
    subsets = subset_table({"under 32 px": SubsetMetrics(7, 0.5, 0.75)}, "size")
    recall = recall_table({"can": {10: 0.25, 30: 1.0}}, "Recall")

    assert rows(text([intervals, subsets, recall])) == [
        ["mAP@0.5", "0.4000", "0.6000"],
        ["mAP@[.5:.95]", "0.2000", "0.3000"],
        ["under 32 px", "7", "0.5000", "0.7500"],
        ["can", "0.2500", "1.0000"],
    ]


def test_the_froc_has_one_row_per_group_and_the_reported_objects_if_there_is_a_threshold():
    curve = [np.array([0.9, 0.1]), np.array([0.0, 1.5]), np.array([0.5, 0.75])]
    reported = {"can": Froc(4, *curve, ReportedObjects(0.5, 0.25, 1.5)), "without can": Froc(2, *curve)}

    assert rows(text(froc_tables(reported))) == [
        ["can", "4", "0.5000", "0.5000", "0.5000", "0.7500", "0.7500"],
        ["without can", "2", "0.5000", "0.5000", "0.5000", "0.7500", "0.7500"],
        ["can", "0.5000", "0.2500", "1.5000"],
    ]
    assert len(froc_tables({"can": Froc(2, *curve)})) == 1


def test_the_audit_is_compared_with_the_labels():
    audited = replace(METRICS, map50=0.6, best=OperatingPoint(0.5, 0.7, 0.8, 0.75))

    assert rows(text([audit_table(METRICS, audited)]))[::4] == [
        ["mAP@0.5", "0.5000", "0.6000"],
        ["best F1", "0.3000", "0.7500"],
    ]
