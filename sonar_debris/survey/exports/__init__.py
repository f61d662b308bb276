"""Export surveys to the formats of other programs; the registry of these formats."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from sonar_debris.errors import SonarDebrisError

PACKAGE = "sonar_debris.survey.exports"


@dataclass(frozen=True)
class ExportFormat:
    """A format that surveys are exported to.

    Attributes:
        writer: ``"module:function"`` in this package; a function of the survey's store and of the output folder.
        requirements: modules that it needs and that not every installation has.
        is_label_format: whether `write_labels` writes it too, which needs supervision.
    """

    writer: str
    requirements: tuple[str, ...] = ()
    is_label_format: bool = False

    def load_writer(self) -> Callable[..., None]:
        """Import the writer."""
        module, function = self.writer.split(":")
        writer: Callable[..., None] = getattr(import_module(f"{PACKAGE}.{module}"), function)
        return writer


FORMATS = {
    "coco": ExportFormat("detection_formats:write_coco", is_label_format=True),
    "csv": ExportFormat("detection_formats:write_csv"),
    "cvat": ExportFormat("labels:write_cvat"),
    "geojson": ExportFormat("detection_formats:write_geojson"),
    "gpkg": ExportFormat("detection_formats:write_geopackage", ("geopandas", "pyogrio")),
    "label-studio": ExportFormat("labels:write_label_studio"),
    "megadetector": ExportFormat("detection_formats:write_megadetector"),
    "mot": ExportFormat("detection_formats:write_mot"),
    "parquet": ExportFormat("detection_formats:write_parquet", ("pyarrow",)),
    "voc": ExportFormat("labels:write_voc", ("supervision",), is_label_format=True),
    "yolo": ExportFormat("labels:write_yolo", ("supervision",), is_label_format=True),
}
LABEL_FORMATS = tuple(name for name, export_format in FORMATS.items() if export_format.is_label_format)
LABEL_REQUIREMENTS = ("supervision",)


def export_survey(
    folder: str | os.PathLike[str], formats: Sequence[str], output: str | os.PathLike[str] | None = None
) -> Path:
    """Export a survey's detections and objects.

    Args:
        folder: the survey's folder.
        formats: keys of `FORMATS`.
        output: where the files are written; ``folder/export`` if None.

    Returns:
        The output folder.

    Raises:
        SonarDebrisError: the folder holds no survey, or a format needs modules that are not installed.
        FrameReadError: a format contains frames, and their file cannot be read any more.
    """
    from sonar_debris.files import open_output_folder
    from sonar_debris.survey.objects import find_objects
    from sonar_debris.survey.store import open_survey

    for name in formats:
        check_installed(name, FORMATS[name].requirements)
    output_folder = open_output_folder(Path(output or Path(folder) / "export"))
    with open_survey(folder) as store:
        find_objects(store)
        for name in formats:
            FORMATS[name].load_writer()(store, output_folder)
    return output_folder


class LabelCounts(NamedTuple):
    """What `write_labels` wrote.

    Attributes:
        folder: the output folder.
        frames: number of frames written.
        labels: number of labels in them.
        unreviewed_frames: number of frames with detections that were not written: something in them has no label.
    """

    folder: Path
    frames: int
    labels: int
    unreviewed_frames: int


def write_labels(
    folder: str | os.PathLike[str], output: str | os.PathLike[str] | None = None, format: str = "yolo"
) -> LabelCounts:
    """Write the completely reviewed frames of a survey with their labels, as training data.

    Args:
        folder: the survey's folder.
        output: where ``images/`` and the labels are written; ``folder/labels`` if None.
        format: one of `LABEL_FORMATS`.

    Returns:
        The output folder, and what it holds.

    Raises:
        SonarDebrisError: the folder holds no survey, no frame was reviewed, or supervision is not installed.
        FrameReadError: the file of a frame cannot be read any more.
    """
    from sonar_debris.files import open_output_folder
    from sonar_debris.survey.exports.labels import export_frames, reviewed_frames, write_dataset
    from sonar_debris.survey.store import open_survey

    check_installed(format, LABEL_REQUIREMENTS)
    output_folder = open_output_folder(Path(output or Path(folder) / "labels"))
    with open_survey(folder) as store:
        reviewed = reviewed_frames(store)
        frames = export_frames(store, output_folder, reviewed)
        names = store.source_names()
        unreviewed_frames = sum(
            (names[source], position) not in reviewed for source, position in store.frames_with_detections()
        )
    if not frames:
        raise SonarDebrisError(
            f"{folder}: no frame was reviewed completely; review detections with: sonar-debris survey review {folder}"
        )
    write_dataset(frames, output_folder, format)
    return LabelCounts(output_folder, len(frames), sum(len(frame.detections) for frame in frames), unreviewed_frames)


def check_installed(name: str, requirements: Sequence[str]) -> None:
    """Check that the modules that a format needs are installed.

    Args:
        name: the format.
        requirements: names of the modules.

    Raises:
        SonarDebrisError: a module is missing.
    """
    missing = [module for module in requirements if find_spec(module) is None]
    if missing:
        raise SonarDebrisError(f"--format {name} needs {', '.join(missing)}: pip install 'sonar-debris[export]'")
