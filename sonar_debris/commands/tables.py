"""Tables of metrics for the terminal."""

from collections.abc import Callable, Mapping

from rich.table import Table

from sonar_debris.evaluation.average_precision import Interval
from sonar_debris.evaluation.classification_metrics import ClassificationMetrics
from sonar_debris.evaluation.detection_metrics import COMMON_BOXES, DetectionMetrics, SubsetMetrics
from sonar_debris.evaluation.froc import FALSE_PER_FRAME, Froc

# The metrics that false detections lower.
_AUDITED_METRICS: dict[str, Callable[[DetectionMetrics], float | None]] = {
    "mAP@0.5": lambda metrics: metrics.map50,
    "mAP@[.5:.95]": lambda metrics: metrics.map50_95,
    f"mAP@0.5, classes of {COMMON_BOXES}+ boxes": lambda metrics: metrics.map50_common,
    f"mAP@[.5:.95], classes of {COMMON_BOXES}+ boxes": lambda metrics: metrics.map50_95_common,
    "best F1": lambda metrics: metrics.best.f1,
    "precision there": lambda metrics: metrics.best.precision,
    "recall there": lambda metrics: metrics.best.recall,
    "calibration error": lambda metrics: metrics.calibration_error,
}


def detection_tables(metrics: DetectionMetrics) -> list[Table]:
    """Return tables of average precision by class, of class-agnostic recall, and of the best threshold."""
    precision = _table("Average precision", "class", "boxes", "AP@0.5", "AP@[.5:.95]")
    for name, boxes in metrics.boxes.items():
        _add_figures(precision, name, boxes, metrics.ap50[name], metrics.ap50_95[name])
    precision.add_section()
    _add_figures(precision, "mean (mAP)", sum(metrics.boxes.values()), metrics.map50, metrics.map50_95)
    common = sum(boxes for boxes in metrics.boxes.values() if boxes >= COMMON_BOXES)
    means = metrics.map50_common, metrics.map50_95_common
    _add_figures(precision, f"mean, classes of {COMMON_BOXES}+ boxes", common, *means)
    best = metrics.best
    operating_point = _table("Best F1 at IoU 0.5", "threshold", "precision", "recall", "F1", "calibration error")
    operating_point.add_row(
        *map(_format, (best.threshold, best.precision, best.recall, best.f1, metrics.calibration_error))
    )
    recall = recall_table({"recall": metrics.recall50}, "Class-agnostic recall of detections at IoU 0.5")
    return [precision, recall, operating_point]


def interval_table(intervals: Mapping[str, Interval]) -> Table:
    """Return a table of the confidence intervals of mean average precision."""
    table = _table("95 % confidence intervals (bootstrap over scenes)", "metric", "from", "to")
    for name, heading in (("map50", "mAP@0.5"), ("map50_95", "mAP@[.5:.95]")):
        table.add_row(heading, _format(intervals[name].low), _format(intervals[name].high))
    return table


def subset_table(subsets: Mapping[str, SubsetMetrics], heading: str) -> Table:
    """Return a table of the metrics of subsets of the objects.

    Args:
        subsets: name → metrics.
        heading: heading of the column of names.

    Returns:
        A table of one row per subset.
    """
    table = _table("", heading, "boxes", "mAP@0.5", "recall@0.5")
    for name, metrics in subsets.items():
        _add_figures(table, name, metrics.boxes, metrics.map50, metrics.recall50)
    return table


def recall_table(recall: Mapping[str, Mapping[int, float]], title: str) -> Table:
    """Return a table of recall at numbers of boxes per frame.

    Args:
        recall: group of objects → number of boxes per frame → recall in [0, 1].
        title: title of the table.

    Returns:
        A table of one row per group.
    """
    limits = next(iter(recall.values()))
    table = _table(title, "boxes per frame", *map(str, limits))
    for name, by_limit in recall.items():
        table.add_row(name, *map(_format, by_limit.values()))
    return table


def froc_tables(curves: Mapping[str, Froc]) -> list[Table]:
    """Return tables of recall at numbers of false boxes per frame, and of what is reported at the thresholds."""
    recall = _table("FROC: class-agnostic recall at IoU 0.5", "false boxes per frame", "boxes")
    reported = _table("Reported at the thresholds", "objects", "recall", "precision", "false boxes per frame")
    for rate in FALSE_PER_FRAME:
        recall.add_column(f"{rate:g}", justify="right")
    for name, curve in curves.items():
        _add_figures(recall, name, curve.boxes, *map(curve.recall_at, FALSE_PER_FRAME))
        if curve.reported:
            point = curve.reported
            reported.add_row(name, *map(_format, (point.recall, point.precision, point.false_per_frame)))
    return [recall, reported] if reported.rows else [recall]


def audit_table(labelled: DetectionMetrics, audited: DetectionMetrics) -> Table:
    """Return a table of metrics by the labels, and without the detections in regions that an audit marked.

    Args:
        labelled: metrics by the labels.
        audited: metrics without the detections that match only an ignore region.

    Returns:
        A table of one row per metric.
    """
    table = _table("Without detections of debris that has no label", "metric", "by the labels", "audited")
    for name, read in _AUDITED_METRICS.items():
        table.add_row(name, _format(read(labelled)), _format(read(audited)))
    return table


def classification_tables(metrics: ClassificationMetrics) -> list[Table]:
    """Return tables of the metrics by class, of the confusion matrix, and of the metrics of all crops."""
    by_class = _table("Classes", "class", "crops", "precision", "recall", "F1")
    for name, crops in metrics.crops.items():
        _add_figures(by_class, name, crops, metrics.precision[name], metrics.recall[name], metrics.f1[name])
    # The columns are numbered: class names would make the table too wide.
    confusion = _table(
        "Confusion: true class by row, predicted by column", "class", *map(str, range(len(metrics.crops)))
    )
    for index, (name, row) in enumerate(zip(metrics.crops, metrics.confusion, strict=True)):
        confusion.add_row(f"{index} {name}", *map(str, row))
    summary = _table("All crops", "crops", "accuracy", "calibration error")
    summary.add_row(str(sum(metrics.crops.values())), _format(metrics.accuracy), _format(metrics.calibration_error))
    return [by_class, confusion, summary]


def _table(title: str, first_column: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first_column)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _add_figures(table: Table, name: str, count: int, *shares: float | None) -> None:
    """Add a row: a name, a count, and shares."""
    table.add_row(name, str(count), *map(_format, shares))


def _format(share: float | None) -> str:
    return "–" if share is None else f"{share:.4f}"
