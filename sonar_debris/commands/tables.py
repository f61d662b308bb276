"""Figures as tables for the terminal."""

from rich.table import Table

from sonar_debris.evaluation.average_precision import Interval
from sonar_debris.evaluation.classification_metrics import ClassificationMetrics
from sonar_debris.evaluation.detection_metrics import COMMON_BOXES, DetectionMetrics, SubsetMetrics


def detection_tables(metrics: DetectionMetrics) -> list[Table]:
    """Average precision by class, proposal recall and the best threshold."""
    table = _table("Average precision", "class", "boxes", "AP@0.5", "AP@[.5:.95]")
    for name, boxes in metrics.boxes.items():
        table.add_row(name, str(boxes), _share(metrics.ap50[name]), _share(metrics.ap50_95[name]))
    table.add_section()
    boxes = metrics.boxes.values()
    table.add_row("mean (mAP)", str(sum(boxes)), _share(metrics.map50), _share(metrics.map50_95))
    common = str(sum(count for count in boxes if count >= COMMON_BOXES))
    means = metrics.map50_common, metrics.map50_95_common
    table.add_row(f"mean, classes of {COMMON_BOXES}+ boxes", common, *map(_share, means))
    best = metrics.best
    point = _table("Best F1 at IoU 0.5", "threshold", "precision", "recall", "F1", "calibration error")
    point.add_row(*map(_share, (best.threshold, best.precision, best.recall, best.f1, metrics.calibration_error)))
    return [
        table,
        recall_table({"recall": metrics.recall50}, "Class-agnostic recall at IoU 0.5, detections a frame"),
        point,
    ]


def interval_table(intervals: dict[str, Interval]) -> Table:
    """Intervals of mean average precision."""
    table = _table("95 % intervals, by drawing scenes anew", "figure", "from", "to")
    for name, heading in (("map50", "mAP@0.5"), ("map50_95", "mAP@[.5:.95]")):
        table.add_row(heading, _share(intervals[name].low), _share(intervals[name].high))
    return table


def share_table(shares: dict[str, SubsetMetrics], first: str) -> Table:
    """Figures of some of the objects each."""
    table = _table("", first, "boxes", "mAP@0.5", "recall@0.5")
    for name, share in shares.items():
        table.add_row(name, str(share.boxes), _share(share.map50), _share(share.recall50))
    return table


def recall_table(recall: dict[str, dict[int, float]], title: str) -> Table:
    """Recall of several groups of objects at each number of boxes a frame."""
    table = _table(title, "boxes a frame", *map(str, next(iter(recall.values()))))
    for name, shares in recall.items():
        table.add_row(name, *map(_share, shares.values()))
    return table


def classification_tables(metrics: ClassificationMetrics) -> list[Table]:
    """Figures by class, their summary and the confusion matrix, whose columns are numbered to keep it narrow."""
    table = _table("Classes", "class", "crops", "precision", "recall", "F1")
    for name, crops in metrics.crops.items():
        shares = metrics.precision[name], metrics.recall[name], metrics.f1[name]
        table.add_row(name, str(crops), *map(_share, shares))
    summary = _table("All crops", "crops", "accuracy", "calibration error")
    summary.add_row(str(sum(metrics.crops.values())), _share(metrics.accuracy), _share(metrics.calibration_error))
    confusion = _table("Confusion: row true, column given", "class", *map(str, range(len(metrics.crops))))
    for k, (name, row) in enumerate(zip(metrics.crops, metrics.confusion, strict=True)):
        confusion.add_row(f"{k} {name}", *map(str, row))
    return [table, confusion, summary]


def _table(title: str, first: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
