"""Read COCO labels: one JSON file for all images.

Reference:
    https://cocodataset.org/#format-data: a ``bbox`` is left, top, width and height in pixels.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sonar_debris.datasets.label_files import (
    Box,
    ClassNames,
    ImageFolder,
    ImageLabels,
    ProblemCounter,
    quote,
    read_text,
    split_name,
)
from sonar_debris.errors import SonarDebrisError

MAX_JSON_BYTES = 2**28
# Most pixels of an image that a run-length mask may cover.
MAX_MASK_PIXELS = 2**28

CROWDS = "left out crowd annotations (iscrowd)"
NO_BOX = "left out annotations without bbox and polygon"
UNKNOWN_IMAGES = "left out annotations of images that the file does not list"
UNLISTED = "left out images that the file does not list"
MOVED = "found images in another folder than the file says"

Json = Mapping[str, Any]


def read_coco(images: ImageFolder, labels: Path, problems: ProblemCounter) -> tuple[list[ImageLabels], ClassNames]:
    """Read COCO labels.

    Args:
        images: the images. Those that the file does not list are left out.
        labels: the JSON file.
        problems: counts what is left out.

    Returns:
        The labels of each image that the file lists, and the classes in the order of their ids.

    Raises:
        SonarDebrisError: the file is damaged or contradicts itself, or an image is missing.
    """
    content = _read_json(labels)
    try:
        categories = _objects(content, "categories")
        listed = _objects(content, "images")
        annotations = _objects(content, "annotations")
        classes, class_of = _read_categories(categories)
        file_names = _read_file_names(listed)
    except ValueError as error:
        raise SonarDebrisError(f"{labels}: not a COCO file that can be used: {error}") from error
    by_id = _find_images(images, labels, file_names, problems)
    for image, image_labels in zip(listed, by_id.values(), strict=True):
        image_labels.size = _read_size(image)
    for number, annotation in enumerate(annotations, start=1):
        try:
            _add_annotation(annotation, by_id, class_of, problems)
        except ValueError as error:
            name = f"annotation {quote(annotation['id'])}" if "id" in annotation else f"the {number}. annotation"
            raise SonarDebrisError(f"{labels}: {name}: {error}") from error
    used = {image_labels.image for image_labels in by_id.values()}
    for name, path in images.images.items():
        if path not in used:
            problems.add(UNLISTED, name)
    return list(by_id.values()), classes


def _read_json(path: Path) -> Json:
    try:
        content = json.loads(read_text(path, MAX_JSON_BYTES))
    except RecursionError as error:
        raise SonarDebrisError(f"{path}: not a COCO file: the JSON is nested too deeply") from error
    except ValueError as error:
        raise SonarDebrisError(f"{path}: not a COCO file: no JSON that can be read ({error})") from error
    if not isinstance(content, dict):
        raise SonarDebrisError(f"{path}: not a COCO file: no JSON object with images, annotations and categories")
    return content


def _objects(content: Json, key: str) -> list[Json]:
    """Return a list of JSON objects."""
    items = content.get(key)
    if not isinstance(items, list):
        raise ValueError(f"no list {key!r}")
    if not all(isinstance(item, dict) for item in items):
        raise ValueError(f"{key!r} holds values that are not JSON objects")
    return items


def _read_id(item: Json, key: str) -> str:
    """Return an id as text: some programs write 1 in one place and "1" in another."""
    value = item.get(key)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"no {key}" if value is None else f"{key} is {quote(value)}, not a number or text")
    return str(value).strip()


def _read_categories(categories: list[Json]) -> tuple[ClassNames, dict[str, int]]:
    """Return the classes, and the index of each category's class by the category's id."""
    names: dict[str, str] = {}
    for category in categories:
        category_id, name = _read_id(category, "id"), category.get("name")
        if not isinstance(name, str):
            raise ValueError(f"the category {quote(category_id)} has no name")
        if names.setdefault(category_id, name) != name:
            raise ValueError(
                f"two categories have the id {quote(category_id)}: {quote(names[category_id])}, {quote(name)}"
            )
    ids = sorted(names, key=lambda text: (not text.isdecimal(), text.isdecimal() and len(text), text))
    classes = ClassNames()
    return classes, {category_id: classes.add(names[category_id]) for category_id in ids}


def _read_file_names(images: list[Json]) -> dict[str, str]:
    """Return the file name of each image, by the image's id."""
    file_names: dict[str, str] = {}
    for image in images:
        image_id, file_name = _read_id(image, "id"), image.get("file_name")
        if not isinstance(file_name, str):
            raise ValueError(f"the image {quote(image_id)} has no file_name")
        if image_id in file_names:
            names = f"{quote(file_names[image_id])} and {quote(file_name)}"
            raise ValueError(f"two images have the id {quote(image_id)}: {names}")
        if image.get("frame_index", 0) != 0:
            raise ValueError(f"{quote(file_name)} is labelled frame by frame, as a recording; label single images")
        file_names[image_id] = file_name
    return file_names


def _find_images(
    images: ImageFolder, labels: Path, file_names: Mapping[str, str], problems: ProblemCounter
) -> dict[str, ImageLabels]:
    """Find the files of the images, and return empty labels by the image's id."""
    by_id: dict[str, ImageLabels] = {}
    missing, id_of = [], dict[Path, str]()
    for image_id, file_name in file_names.items():
        path = images.find(file_name)
        if path is None:
            missing.append(file_name)
        elif path in id_of:
            names = f"{quote(file_names[id_of[path]])} and {quote(file_name)}"
            ids = f"ids {quote(id_of[path])} and {quote(image_id)}"
            raise SonarDebrisError(f"{labels}: two images are the same file {path}: {names} ({ids}); keep one of them")
        else:
            id_of[path] = image_id
            by_id[image_id] = ImageLabels(path, labels)
            if not os.path.abspath(path).endswith("/".join(split_name(file_name))):
                problems.add(MOVED, f"{quote(file_name)} as {path}")
    if missing:
        # A plain name stays without quotes.
        name = missing[0] if missing[0].isprintable() and len(missing[0]) < 200 else quote(missing[0])
        raise SonarDebrisError(f"{labels}: {len(missing)} labelled images are not in {images.folder}, e.g. {name}")
    return by_id


def _read_size(image: Json) -> tuple[float, float] | None:
    """Return columns and rows as the file declares them; None if it does not."""
    try:
        width, height = float(image.get("width") or 0), float(image.get("height") or 0)
    except (TypeError, ValueError, OverflowError):
        return None
    return (width, height) if width and height else None


def _add_annotation(
    annotation: Json, by_id: Mapping[str, ImageLabels], class_of: Mapping[str, int], problems: ProblemCounter
) -> None:
    image_id, category_id = _read_id(annotation, "image_id"), _read_id(annotation, "category_id")
    if image_id not in by_id:
        problems.add(UNKNOWN_IMAGES, f"image id {quote(image_id)}")
        return
    image_labels = by_id[image_id]
    if annotation.get("iscrowd") in (1, "1"):
        problems.add(CROWDS, f"in {image_labels.image.name}")
        return
    if category_id not in class_of:
        raise ValueError(f"the category id {quote(category_id)} is not in categories")
    box = _read_box(annotation)
    if box is None:
        problems.add(NO_BOX, f"in {image_labels.image.name}")
        return
    image_labels.boxes.append(box)
    image_labels.class_id.append(class_of[category_id])


def _read_box(annotation: Json) -> Box | None:
    """Return the box: the ``bbox``, or else the box around the polygons; None if there is neither."""
    bbox, segmentation = annotation.get("bbox"), annotation.get("segmentation")
    if isinstance(segmentation, dict):
        _check_mask(segmentation)
    if bbox:
        left, top, width, height = _read_numbers(bbox, "bbox")
        return left, top, left + width, top + height
    if isinstance(segmentation, dict):
        raise ValueError("no bbox, and the segmentation is a run-length mask; add the bbox")
    if not segmentation:
        return None
    polygons = segmentation if isinstance(segmentation, list) and isinstance(segmentation[0], list) else [segmentation]
    values = [value for polygon in polygons for value in _read_numbers(polygon, "segmentation")]
    x, y = values[::2], values[1::2]
    # NaN would be lost in min and max.
    return (min(x), min(y), max(x), max(y)) if sum(values) == sum(values) else (float("nan"),) * 4


def _read_numbers(values: object, key: str) -> list[float]:
    """Return the numbers of a ``bbox`` or of a polygon."""
    if not isinstance(values, list) or any(isinstance(value, bool | str) for value in values):
        raise ValueError(f"{key} is not a list of numbers")
    is_complete = len(values) == 4 if key == "bbox" else len(values) >= 6 and len(values) % 2 == 0
    if not is_complete:
        raise ValueError(f"{key} holds {len(values)} numbers")
    try:
        return [float(value) for value in values]
    except (TypeError, OverflowError):
        raise ValueError(f"{key} is not a list of numbers, or they are too large") from None


def _check_mask(mask: Json) -> None:
    """Check that a run-length mask fits its size, without decoding it: the runs may add up to any number of pixels."""
    size, counts = mask.get("size"), mask.get("counts")
    if not isinstance(size, list) or len(size) != 2 or not all(isinstance(side, int) and side > 0 for side in size):
        raise ValueError("the run-length mask has no size")
    rows, cols = size
    if rows * cols > MAX_MASK_PIXELS:
        raise ValueError(f"the run-length mask covers {float(rows * cols):.3g} pixels")
    if not isinstance(counts, list):
        return  # compressed; the mask is not needed
    if not all(isinstance(count, int) and count >= 0 for count in counts) or sum(counts) != rows * cols:
        raise ValueError(f"the runs of the run-length mask do not add up to its size of {rows} x {cols}")
