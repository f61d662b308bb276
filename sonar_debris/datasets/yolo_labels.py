"""Read YOLO labels: one text file per image, and a ``data.yaml`` with the class names.

Reference:
    https://docs.ultralytics.com/datasets/detect: a row is ``class x y width height``, in fractions of the image's
    sides. Rows of segmentation hold a polygon, rows of pose estimation hold key points after the box.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from sonar_debris.datasets.label_files import (
    NO_IMAGE,
    NO_LABEL_FILE,
    Box,
    ClassNames,
    ImageFolder,
    ImageLabels,
    ProblemCounter,
    find_label_files,
    pair_label_files,
    quote,
    read_text,
)
from sonar_debris.errors import SonarDebrisError

# Names of a thousand classes take 20 kB; 256 kB are read in half a second.
MAX_YAML_BYTES = 2**18
MAX_LABEL_BYTES = 2**24
MAX_DEPTH = 16
# Text files of data sets that are no labels.
_OTHER_FILES = ("classes", "notes", "train", "val", "valid", "test")
# Some programs write values this far outside of 0 to 1 by rounding; ultralytics allows the same.
ROUNDING = 0.01


class _PlainLoader(yaml.BaseLoader):
    """A YAML loader that builds text, lists and mappings only, without aliases and tags, to a limited depth."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node | None:
        event = self.peek_event()
        tag = getattr(event, "tag", None)
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not supported")
        if tag is not None and (not tag.startswith("tag:yaml.org,2002:") or "python" in tag):
            raise yaml.YAMLError(f"the tag {quote(tag)} is not supported")
        if self.depth == MAX_DEPTH:
            raise yaml.YAMLError(f"more than {MAX_DEPTH} levels")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            raise yaml.YAMLError(f"a key occurs twice (line {node.start_mark.line + 1} and below)")
        return mapping


@dataclass(frozen=True)
class Description:
    """What a ``data.yaml`` says.

    Attributes:
        path: the file.
        names: class names by class id.
        key_points: values of the key points that follow a box in rows of pose estimation; 0 if there are none.
        root: the entry ``path``: the folder of the data set; empty if the file does not say.
        images: the entries ``train`` and ``val``: folders of images, or files that list images.
    """

    path: Path
    names: dict[int, str]
    key_points: int
    root: str
    images: tuple[str, ...]


def read_yolo(
    images: ImageFolder, labels: Path, description_path: Path, problems: ProblemCounter
) -> tuple[list[ImageLabels], ClassNames]:
    """Read YOLO labels.

    Args:
        images: the images. Those without a label file have no objects.
        labels: the folder of the label files, or the ``data.yaml`` itself. Then the label files are where ultralytics
            looks for them, and only the images that the entries ``train`` and ``val`` name are read.
        description_path: the ``data.yaml``.
        problems: counts what is left out.

    Returns:
        The labels of each image, and the classes.

    Raises:
        SonarDebrisError: a file is damaged, has values in pixels, or a class id without a name.
    """
    description = read_description(description_path)
    selected = list(images.images.values())
    folder = labels
    if labels == description_path:
        folder = labels.parent
        selected = _select_images(selected, description)
        if not selected:
            raise SonarDebrisError(f"{labels}: its entries train and val name no images in {images.folder}")
    label_files = find_label_files(folder, ".txt")
    pairs = pair_label_files(images, selected, folder, label_files)
    _report_unpaired(images, selected, label_files, pairs, problems)
    classes, class_of = ClassNames(), {}
    for class_id, name in sorted(description.names.items()):
        try:
            class_of[class_id] = classes.add(name)
        except ValueError as error:
            raise SonarDebrisError(f"{description.path}: class id {class_id}: {error}") from error
    labelled = [ImageLabels(image, pairs.get(image, folder), is_relative=True) for image in selected]
    for image_labels in labelled:
        if image_labels.image in pairs:
            for class_id, box in _read_rows(image_labels.source, description):
                image_labels.boxes.append(box)
                image_labels.class_id.append(class_of[class_id])
    return labelled, classes


def _report_unpaired(
    images: ImageFolder,
    selected: list[Path],
    label_files: list[Path],
    pairs: dict[Path, Path],
    problems: ProblemCounter,
) -> None:
    for image in selected:
        if image not in pairs:
            name = image.relative_to(images.folder).as_posix()
            problems.add(NO_LABEL_FILE, name)
    if len(selected) < len(images.images):
        return  # the other label files belong to the other parts of the data set
    paired = set(pairs.values())
    for file in label_files:
        stem = file.stem.lower()
        if file not in paired and stem not in _OTHER_FILES and not stem.startswith("readme"):
            problems.add(NO_IMAGE, file.name)


def _read_rows(path: Path, description: Description) -> Iterator[tuple[int, Box]]:
    """Yield class id and box, in fractions of the image's sides, of each row of a label file."""
    for number, row in enumerate(read_text(path, MAX_LABEL_BYTES).splitlines(), start=1):
        if not row.strip():
            continue
        try:
            class_id, box = parse_row(row, description.key_points)
        except ValueError as error:
            raise SonarDebrisError(f"{path}: line {number}: {error}") from error
        if class_id not in description.names:
            names = ", ".join(map(str, sorted(description.names)[:20]))
            raise SonarDebrisError(
                f"{path}: line {number}: class id {class_id:.6g} has no name in {description.path}, "
                f"which names {names}{', ...' if len(description.names) > 20 else ''}"
            )
        yield class_id, box


def parse_row(row: str, key_points: int = 0) -> tuple[int, Box]:
    """Parse a row of a label file: a box, a box with a score or a track, a box with key points, or a polygon.

    Args:
        row: the row.
        key_points: values of key points after the box, if the data set has them.

    Returns:
        The class id, and left, top, right and bottom as fractions of the image's sides; not all of them are finite if
        a value of the row is not.

    Raises:
        ValueError: the row is not such a row, or has values outside of 0 to 1.

    Example:
        >>> parse_row("3 0.5 0.5 0.25 0.5")
        (3, (0.375, 0.25, 0.625, 0.75))
    """
    try:
        class_id, *values = (float(value) for value in row.split())
    except ValueError:
        raise ValueError(f"not numbers between spaces: {quote(row)}") from None
    if not class_id.is_integer():
        raise ValueError(f"the class id is not a whole number: {quote(row)}")
    is_box = len(values) in (4, 5) or (key_points > 0 and len(values) == 4 + key_points)
    if not is_box and (len(values) < 6 or len(values) % 2):
        raise ValueError(f"not a class id with a box or a polygon: {quote(row)}")
    coordinates = values[:4] if is_box else values
    for value in coordinates:
        if value > 1 + ROUNDING or value < -ROUNDING:
            raise ValueError(
                f"the value {value:g} is not in [0, 1]; YOLO labels are fractions of the image's sides, not pixels"
            )
    if not is_box:
        return int(class_id), _enclose(coordinates)
    x, y, width, height = coordinates
    return int(class_id), (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _enclose(polygon: list[float]) -> Box:
    x, y = polygon[::2], polygon[1::2]
    # NaN would be lost in min and max.
    return (min(x), min(y), max(x), max(y)) if sum(polygon) == sum(polygon) else (float("nan"),) * 4


def read_description(path: Path) -> Description:
    """Read a ``data.yaml``.

    Args:
        path: the file.

    Returns:
        What it says.

    Raises:
        SonarDebrisError: the file is not YAML, holds aliases or tags, or has no class names.
    """
    text = read_text(path, MAX_YAML_BYTES)
    try:
        content = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - builds text, lists and mappings only
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise SonarDebrisError(f"{path}: not YAML that can be read ({reason})") from error
    if not isinstance(content, dict):
        raise SonarDebrisError(f"{path}: not a YAML mapping with the entry names")
    root = content.get("path", "")
    entries = [content.get(key, []) for key in ("train", "val")]
    folders = [item for entry in entries for item in (entry if isinstance(entry, list) else [entry])]
    if not all(isinstance(item, str) for item in (root, *folders)):
        raise SonarDebrisError(f"{path}: path, train and val must be text, or lists of text")
    names = _parse_names(path, content.get("names"))
    return Description(path, names, _parse_key_points(content.get("kpt_shape")), root, tuple(filter(None, folders)))


def _parse_names(path: Path, names: object) -> dict[int, str]:
    items = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(items, dict) or not items:
        raise SonarDebrisError(f"{path}: no class names; names must be a list, or a mapping of class ids to names")
    parsed: dict[int, str] = {}
    for key, name in items.items():
        text = str(key).strip()
        if not (text.isascii() and text.isdecimal() and len(text) < 10):
            raise SonarDebrisError(f"{path}: names: {quote(key)} is not a class id")
        if int(text) in parsed:
            raise SonarDebrisError(f"{path}: names: the class id {int(text)} occurs twice")
        if not isinstance(name, str):
            raise SonarDebrisError(f"{path}: names: the name of class id {text} is not text")
        parsed[int(text)] = name
    return parsed


def _parse_key_points(shape: object) -> int:
    """Return the values per box that ``kpt_shape`` describes; 0 if it describes none."""
    try:
        points, dimensions = map(int, shape) if isinstance(shape, list) else (0, 0)
    except (TypeError, ValueError):
        return 0
    return max(points * dimensions, 0)


def _select_images(images: list[Path], description: Description) -> list[Path]:
    """Select the images that the entries ``train`` and ``val`` name; all images if the file has no such entries."""
    if not description.images:
        return images
    listed: set[str] = set()
    for entry in description.images:
        path = _resolve(entry, description)
        if path.is_dir():
            listed.add(os.path.abspath(path))
        else:
            rows = read_text(path, MAX_LABEL_BYTES).split("\n")
            listed |= {os.path.abspath(path.parent / row.strip()) for row in rows if row.strip()}
    return [image for image in images if _is_listed(os.path.abspath(image), listed)]


def _is_listed(path: str, listed: set[str]) -> bool:
    return path in listed or any(str(parent) in listed for parent in Path(path).parents)


def _resolve(entry: str, description: Description) -> Path:
    """Find a folder or file that an entry names: next to ``data.yaml``, or in the folder that ``path`` names."""
    folder = description.path.parent
    # Roboflow writes ../train/images although the folder lies next to the file.
    names = (entry, entry.removeprefix("../"))
    candidates = [base / name for name in names for base in (folder / description.root, folder)]
    path = next((path for path in candidates if os.path.exists(path)), None)  # False for a name that is too long
    if path is None:
        raise SonarDebrisError(f"{description.path}: {quote(entry)} (train or val) does not exist")
    return path
