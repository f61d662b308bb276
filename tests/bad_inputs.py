"""A catalogue of damaged, hostile and odd inputs, made on demand: frames, labels, models, surveys, releases.

Each entry is a function that makes the input in an empty folder and returns its path. The name says what is wrong.
"""

import io
import json
import os
import shutil
import socket
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from tests import fuzz_data, fuzz_frames

Maker = Callable[[Path], Path]

MODELS = Path(__file__).parents[1] / "models"
TRUNCATIONS = (0, 1, 0.1, 0.3, 0.6, 0.9, 0.99)
STRANGE_NAMES = {
    "newline": "a\nb.png",
    "escape sequence": "a\x1b[31mb.png",
    "HTML": "<img src=x onerror=alert(1)>.png",
    "not UTF-8": os.fsdecode(b"a\xfc.png"),
    "long": "x" * 200 + ".png",
    "quote": "a'b\"c.png",
    "formula": "=1+2.png",
    "leading dash": "-rf.png",
    "percent": "%s%n%d.png",
    "spaces": "  .png",
}


def _write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def _png(folder: Path, name: str = "good.png", brightness: int = 90, shape: tuple[int, ...] = (12, 10)) -> Path:
    return _write(folder, name, cv2.imencode(".png", np.full(shape, brightness, np.uint8))[1].tobytes())


def _truncated(data: bytes, share: float) -> bytes:
    return data[: int(share * len(data)) if isinstance(share, float) else share]


def _npy(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


def _npy_header(header: str, data: bytes = b"") -> bytes:
    text = header.encode("latin-1")
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def _fifo(folder: Path, name: str) -> Path:
    os.mkfifo(folder / name)
    return folder / name


def _socket(folder: Path, name: str) -> Path:
    current = os.open(".", os.O_RDONLY)
    os.chdir(folder)  # the path of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(name)
    finally:
        os.fchdir(current)
        os.close(current)
    return folder / name


def _link(folder: Path, name: str, target: str) -> Path:
    (folder / name).symlink_to(target)
    return folder / name


def _folder(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def _video(folder: Path, suffix: str, share: float) -> Path:
    path = folder / f"dive.{suffix}"
    codec = {"mp4": "mp4v", "avi": "MJPG", "mkv": "FFV1"}[suffix]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 10, (32, 24))
    for number in range(8):
        writer.write(np.full((24, 32, 3), 20 * number, np.uint8))
    writer.release()
    path.write_bytes(_truncated(path.read_bytes(), share))
    return path


def _bag(folder: Path, share: float) -> Path:
    from tests.ros_bags import image, typestore, write_bag

    store = typestore()
    messages = [image(store, np.full((12, 10), 90, np.uint8), 1.0 + k) for k in range(3)]
    bag = write_bag(folder / "bag", {"/sonar": messages})
    path = next(bag.rglob("*.mcap")) if bag.is_dir() else bag
    path.write_bytes(_truncated(path.read_bytes(), share))
    return path


def _png_header(folder: Path, rows: int, cols: int) -> Path:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", cols, rows, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((cols // 8 + 2) * min(rows, 2000)))
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return _write(folder, "bomb.png", content)


def _npz_bomb(folder: Path) -> Path:
    path = folder / "bomb.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.npy", "w", force_zip64=True) as file,
    ):
        file.write(_npy_header("{'descr': '|u1', 'fortran_order': False, 'shape': (4000, 30000, 10), }\n"))
        for _ in range(300):
            file.write(bytes(1_000_000))
    return path


def frame_inputs() -> dict[str, Maker]:
    """Return inputs for commands that read frames."""
    entries: dict[str, Maker] = {}
    for suffix in fuzz_frames.SUFFIXES:
        data = fuzz_frames.make_seeds(suffix)[0]
        for share in TRUNCATIONS:
            entries[f"{suffix} cut to {share}"] = partial(_write, name=f"a.{suffix}", data=_truncated(data, share))
        other = fuzz_frames.make_seeds("png" if suffix != "png" else "npy")[0]
        entries[f"{suffix} that is another format"] = partial(_write, name=f"a.{suffix}", data=other)
        entries[f"{suffix} of zeros"] = partial(_write, name=f"a.{suffix}", data=bytes(5000))
        rng = np.random.default_rng(len(suffix))
        for number in range(3):
            changed = fuzz_frames.change(suffix, data, data, rng)
            entries[f"{suffix} changed, {number}"] = partial(_write, name=f"a.{suffix}", data=changed)
    for suffix in ("mp4", "avi", "mkv"):
        for share in (0.0, 0.3, 0.7, 0.99):
            entries[f"{suffix} cut to {share}"] = partial(_video, suffix=suffix, share=share)
    for share in (0.0, 0.3, 0.7, 0.99):
        entries[f"bag cut to {share}"] = partial(_bag, share=share)
    for suffix in ("png", "aris", "npy", "mcap", "mkv", "bag", "db3"):
        entries[f"FIFO .{suffix}"] = partial(_fifo, name=f"a.{suffix}")
        entries[f"folder .{suffix}"] = partial(_folder, name=f"a.{suffix}")
    entries["socket"] = partial(_socket, name="a.png")
    entries["dangling link"] = partial(_link, name="a.png", target="nowhere.png")
    entries["link to itself"] = partial(_link, name="a.png", target="a.png")
    entries["link to a device"] = partial(_link, name="a.png", target="/dev/zero")
    entries["missing file"] = lambda folder: folder / "missing.png"
    entries["empty folder"] = partial(_folder, name="empty")
    entries["folder that links to itself"] = lambda folder: _link(_folder(folder, "loop"), "again", ".").parent
    entries["unknown suffix"] = partial(_write, name="a.xyz", data=b"text")
    entries["no suffix"] = partial(_write, name="a", data=b"text")
    entries["name of 5000 characters"] = lambda folder: folder / ("x" * 5000 + ".png")
    for what, name in STRANGE_NAMES.items():
        entries[f"damaged, name with {what}"] = partial(_write, name=name, data=b"\x89PNG")
        entries[f"good, name with {what}"] = partial(_png, name=name)
    arrays = {
        "NaN": np.full((4, 5), np.nan),
        "infinite": np.full((4, 5), -np.inf),
        "complex": np.zeros((4, 5), complex),
        "text": np.array(["a", "b"]),
        "structured": np.zeros(3, [("a", "u1"), ("b", "f4")]),
        "datetime": np.zeros((3, 3), "datetime64[s]"),
        "without pixels": np.zeros((0, 5), np.uint8),
        "of one number": np.array(3.0),
        "of one row": np.zeros(9, np.uint8),
        "of five dimensions": np.zeros((1, 1, 2, 3, 4), np.uint8),
        "huge values": np.full((4, 5), 1e308),
        "negative": np.full((4, 5), -3, np.int64),
    }
    for what, array in arrays.items():
        entries[f"npy, {what}"] = partial(_write, name="a.npy", data=_npy(array))
    entries["npy, pickled"] = partial(_write, name="a.npy", data=_npy(np.array([{}, []], object), allow_pickle=True))
    headers = {
        "shape too large": "{'descr': '|u1', 'fortran_order': False, 'shape': (9999999, 9999999), }\n",
        "overflowing shape": f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({2**62}, {2**62}), }}\n",
        "negative shape": "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 5), }\n",
        "code in the header": "__import__('os').getcwd()\n",
        "nested header": "(" * 5000 + "\n",
        "unknown type": "{'descr': '<q99', 'fortran_order': False, 'shape': (1,), }\n",
    }
    for what, header in headers.items():
        entries[f"npy, {what}"] = partial(_write, name="a.npy", data=_npy_header(header, bytes(100)))
    entries["png of 60000 × 60000 pixels"] = partial(_png_header, rows=60_000, cols=60_000)
    entries["png of 2 billion rows"] = partial(_png_header, rows=2**31 - 1, cols=1)
    entries["npz bomb"] = _npz_bomb
    entries["image with a broken sidecar"] = lambda folder: (
        _write(folder, "geometry.json", b"[" * 9000),
        _png(folder),
    )[1]
    return entries


def label_inputs() -> dict[str, Maker]:
    """Return labels of two images, which are in ``images`` next to them."""
    entries: dict[str, Maker] = {}
    files = {
        "coco": ("labels.json", fuzz_data.coco_seeds()[1], fuzz_data.change_json),
        "voc": ("voc/a.xml", fuzz_data.voc_seeds()[0], fuzz_data.change_text),
    }

    def make(folder: Path, name: str, data: bytes) -> Path:
        fuzz_data._images(folder)
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path if name.endswith(".json") else path.parent

    def make_yolo(folder: Path, data: bytes) -> Path:
        fuzz_data._images(folder)
        (folder / "labels").mkdir()
        text, _, names = data.partition(b"-----\n")
        (folder / "labels" / "a.txt").write_bytes(text)
        return _write(folder / "labels", "data.yaml", names).parent

    for kind, (name, seed, change) in files.items():
        for share in TRUNCATIONS[:6]:
            entries[f"{kind} cut to {share}"] = partial(make, name=name, data=_truncated(seed, share))
        rng = np.random.default_rng(7)
        for number in range(14):
            entries[f"{kind} changed, {number}"] = partial(make, name=name, data=change(seed, seed, rng))
    texts = {
        "nested lists": b"[" * 100_000,
        "nested objects": b'{"a":' * 20_000,
        "a list": b"[]",
        "a number": b"1",
        "UTF-16": '{"images": []}'.encode("utf-16"),
        "NUL": b"\0" * 100,
        "not UTF-8": b'{"images": "\xff"}',
        "number of 5000 digits": b"9" * 5000,
        "no images": b'{"images": [], "annotations": [], "categories": []}',
        "NaN": b'{"images": NaN, "annotations": [], "categories": []}',
    }
    for what, text in texts.items():
        entries[f"coco, {what}"] = partial(make, name="labels.json", data=text)
    entity = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + k, b"&%c;" % (97 + k) * 10) for k in range(9)
    )
    documents = {
        "entity bomb": entity + b"]><annotation>&j;</annotation>",
        "external entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hosts">]><annotation>&x;</annotation>',
        "nested": b"<a>" * 50_000,
        "another root": b"<html/>",
    }
    for what, text in documents.items():
        entries[f"voc, {what}"] = partial(make, name="voc/a.xml", data=text)
    labels = b"0 0.5 0.5 0.2 0.3\n"
    names = {
        "alias bomb": b"a: &a [x,x]\n"
        + b"".join(b"%c: &%c [*%c,*%c]\n" % (98 + k, 98 + k, 97 + k, 97 + k) for k in range(24)),
        "nested": b"names: " + b"[" * 5000,
        "python object": b"names: !!python/object/apply:os.getcwd []\n",
        "gap": b"names: {0: can, 7: tire}\n",
        "negative id": b"names: {-1: can}\n",
        "text ids": b"names: {a: can}\n",
        "number": b"names: 5\n",
        "nothing": b"",
        "tabs": b"names:\n\t- can\n",
        "twice": b"names: [can, can]\n",
    }
    for what, text in names.items():
        entries[f"yolo names, {what}"] = partial(make_yolo, data=labels + b"-----\n" + text)
    for what, text in {
        "pixels": b"0 50 60 20 10\n",
        "NaN": b"0 nan 0.5 0.2 0.2\n",
        "words": b"can tire\n",
        "negative class": b"-1 0.5 0.5 0.1 0.1\n",
        "huge class": b"99999999999999999999 0.5 0.5 0.1 0.1\n",
        "too few numbers": b"0 0.5\n",
        "NUL": b"\0\0",
    }.items():
        entries[f"yolo, {what}"] = partial(make_yolo, data=text + b"-----\nnames: [can, tire]\n")
    entries["FIFO"] = partial(_fifo, name="labels.json")
    entries["empty folder"] = partial(_folder, name="labels")
    entries["link to itself"] = partial(_link, name="labels.json", target="labels.json")
    return entries


def model_inputs() -> dict[str, Maker]:
    """Return model folders."""
    seed = (MODELS / "single-pass" / "model.json").read_bytes()
    entries: dict[str, Maker] = {}

    def make(folder: Path, data: bytes, weights: bytes | None = b"") -> Path:
        model = _folder(folder, "model")
        _write(model, "model.json", data)
        if weights is not None:
            _write(model, "detector.keras", weights)
        return model

    for share in TRUNCATIONS:
        entries[f"model.json cut to {share}"] = partial(make, data=_truncated(seed, share))
    rng = np.random.default_rng(3)
    for number in range(20):
        entries[f"model.json changed, {number}"] = partial(make, data=fuzz_data.change_json(seed, seed, rng))
    settings = json.loads(seed)
    for name, value in [
        ("min_score", float("nan")), ("min_score", "0.5"), ("min_score", -1), ("min_score", 2), ("nms_iou", 1e9),
        ("overlap", None), ("class_names", []), ("class_names", ["can"] * 3), ("class_names", "can"),
        ("class_names", [1]),
        ("calibration", [[0, 1], [1, 0]]), ("calibration", [[0, 1], [0]]), ("calibration", [[float("nan"), 1], [0, 1]]),
        ("candidates", 0), ("candidates", 2**70), ("candidates", 1.5), ("kind", "other"), ("kind", []), ("kind", None),
        ("format_version", 99), ("format_version", "1"), ("name", 5), ("name", "a\nb"), ("data", []), ("figures", 3),
    ]:  # fmt: skip
        entries[f"model.json with {name} {value!r}"] = partial(make, data=json.dumps(settings | {name: value}).encode())
    weights = {
        "missing": None,
        "empty": b"",
        "not a zip": b"x" * 1000,
        "truncated": (MODELS / "single-pass" / "detector.keras").read_bytes()[:50_000],
        "of another network": (MODELS / "sliding-window" / "objectness.keras").read_bytes(),
    }
    for what, data in weights.items():
        entries[f"weights {what}"] = partial(make, data=seed, weights=data)
    entries["no model.json"] = partial(_folder, name="model")
    entries["missing folder"] = lambda folder: folder / "nowhere"
    entries["FIFO"] = lambda folder: _fifo(_folder(folder, "model"), "model.json").parent
    entries["model.json is a folder"] = lambda folder: _folder(_folder(folder, "model"), "model.json").parent
    entries["nested lists"] = partial(make, data=b"[" * 100_000)
    entries["link to itself"] = partial(_link, name="model", target="model")
    entries["a file"] = partial(_write, name="model", data=b"")
    entries["name with NUL"] = lambda folder: folder / "a\0b"
    return entries


def survey_inputs() -> dict[str, Maker]:
    """Return survey folders."""
    seed = fuzz_data.survey_seeds()[0]
    entries: dict[str, Maker] = {}

    def make(folder: Path, data: bytes) -> Path:
        return _write(_folder(folder, "night"), "survey.sqlite", data).parent

    def execute(folder: Path, *statements: str) -> Path:
        night = make(folder, seed)
        database = sqlite3.connect(night / "survey.sqlite", isolation_level=None)
        for statement in ("PRAGMA foreign_keys = OFF", *statements):
            database.execute(statement)
        database.close()
        return night

    entries["intact"] = partial(make, data=seed)
    for share in (0, 1, 50, 100, 0.05, 0.1, 0.3, 0.5, 0.8, 0.99):
        entries[f"database cut to {share}"] = partial(make, data=_truncated(seed, share))
    for page in range(0, len(seed) // 4096, 4):
        damaged = seed[: page * 4096] + b"\xaa" * 4096 + seed[(page + 1) * 4096 :]
        entries[f"page {page} damaged"] = partial(make, data=damaged)
    rng = np.random.default_rng(5)
    for number in range(15):
        entries[f"database changed, {number}"] = partial(make, data=fuzz_data.change_survey(seed, seed, rng))
    for table in ("source", "frame", "detection", "object", "sighting", "decision", "setting", "tracking_state"):
        entries[f"without table {table}"] = partial(execute, *())
        entries[f"without table {table}"] = lambda folder, table=table: execute(folder, f"DROP TABLE {table}")
        entries[f"without rows in {table}"] = lambda folder, table=table: execute(folder, f"DELETE FROM {table}")
    statements = {
        "text for a box": "UPDATE detection SET x = 'left'",
        "bytes for a class": "UPDATE detection SET class = x'ff00'",
        "infinite score": "UPDATE detection SET score = 9e999",
        "huge class name": "UPDATE detection SET class = hex(zeroblob(100000))",
        "HTML class name": "UPDATE detection SET class = '</script><script>alert(1)</script>'",
        "formula class name": "UPDATE detection SET class = '=1+2'",
        "negative size": "UPDATE detection SET w = -5",
        "frames without pixels": "UPDATE frame SET rows = 0, cols = 0",
        "time of the year 30 million": "UPDATE frame SET time = 1e15",
        "settings that are no JSON": "UPDATE setting SET value = '{'",
        "settings nested deeply": "UPDATE setting SET value = printf('%.*c', 100000, '[')",
        "name with control characters": "UPDATE source SET name = name || char(27, 10)",
        "later version": "PRAGMA user_version = 99",
        "version 1": "PRAGMA user_version = 1",
        "another application": "CREATE TABLE other (a)",
    }
    for what, statement in statements.items():
        entries[what] = lambda folder, statement=statement: execute(folder, statement)
    entries["empty folder"] = partial(_folder, name="night")
    entries["a text as database"] = partial(make, data=b"not a database")
    entries["FIFO"] = lambda folder: _fifo(_folder(folder, "night"), "survey.sqlite").parent
    entries["database is a folder"] = lambda folder: _folder(_folder(folder, "night"), "survey.sqlite").parent
    entries["manifest of another survey"] = lambda folder: _write(make(folder, seed), "manifest.json", b"{}").parent
    entries["link to itself"] = partial(_link, name="night", target="night")
    entries["missing"] = lambda folder: folder / "nowhere"
    return entries


def release_inputs(release: Path) -> dict[str, Maker]:
    """Return copies of a small release with one fault each."""
    entries: dict[str, Maker] = {}
    boxes, images = "watertank-segmentation/BoxAnnotations", "watertank-segmentation/Images"
    seed = (release / boxes / "frame-00.xml").read_bytes()

    def copy(folder: Path, change: Callable[[Path], object]) -> Path:
        root = folder / "release"
        shutil.copytree(release, root)
        change(root)
        return root

    def add(name: str, change: Callable[[Path], object]) -> None:
        entries[name] = lambda folder: copy(folder, change)

    def replace(name: str, file: str, data: bytes) -> None:
        def write(root: Path) -> None:
            (root / file).parent.mkdir(exist_ok=True)
            (root / file).write_bytes(data)

        add(name, write)

    rng = np.random.default_rng(11)
    for number in range(20):
        replace(f"boxes changed, {number}", f"{boxes}/frame-00.xml", fuzz_data.change_text(seed, seed, rng))
    for share in TRUNCATIONS[:6]:
        replace(f"boxes cut to {share}", f"{boxes}/frame-00.xml", _truncated(seed, share))
    image = (release / images / "frame-00.png").read_bytes()
    for share in TRUNCATIONS[:6]:
        replace(f"image cut to {share}", f"{images}/frame-00.png", _truncated(image, share))
    for what, data in {
        "entity bomb": b'<!DOCTYPE a [<!ENTITY a "x">]><annotation>&a;</annotation>',
        "nested": b"<a>" * 20_000,
        "NUL": b"\0",
        "another root": b"<html/>",
    }.items():
        replace(f"boxes, {what}", f"{boxes}/frame-00.xml", data)
    tables = {
        "empty": b"",
        "header only": b"frame,scene,fold,random\n",
        "without columns": b"a,b\n1,2\n",
        "NUL": b"\0\0\0",
        "not UTF-8": b"frame,scene,fold,random\n\xff,0,0,train\n",
        "unknown frames": b"frame,scene,fold,random\nother,0,0,train\n",
        "fold that is a word": b"frame,scene,fold,random\nframe-00,0,x,train\n",
        "rows too short": b"frame,scene,fold,random\nframe-00\n",
        "field of a megabyte": b"frame,scene,fold,random\n" + b"x" * 1_000_000 + b",0,0,train\n",
        "open quote": b'frame,scene,fold,random\n"frame-00,0,0,train\n',
        "UTF-16": "frame,scene,fold,random\n".encode("utf-16"),
    }
    for what, data in tables.items():
        replace(f"frames.csv, {what}", "splits/frames.csv", data)
        replace(f"crops.csv, {what}", "splits/crops.csv", data)
    for what, place in {"boxes": boxes, "images": images}.items():
        add(f"no folder of {what}", lambda root, place=place: shutil.rmtree(root / place))
        add(
            f"a file for the folder of {what}",
            lambda root, place=place: (shutil.rmtree(root / place), (root / place).touch()),
        )
        add(f"empty folder of {what}", lambda root, place=place: (shutil.rmtree(root / place), (root / place).mkdir()))
    add(
        "FIFO for an image",
        lambda root: ((root / images / "frame-00.png").unlink(), os.mkfifo(root / images / "frame-00.png")),
    )
    add(
        "FIFO for boxes",
        lambda root: ((root / boxes / "frame-00.xml").unlink(), os.mkfifo(root / boxes / "frame-00.xml")),
    )
    add(
        "folder for boxes",
        lambda root: ((root / boxes / "frame-00.xml").unlink(), (root / boxes / "frame-00.xml").mkdir()),
    )
    add("image missing", lambda root: (root / images / "frame-00.png").unlink())
    replace(
        "image of another size", f"{images}/frame-00.png", cv2.imencode(".png", np.zeros((3, 3), np.uint8))[1].tobytes()
    )
    replace("crop that is no image", "watertank-cropped/can/can-0.png", b"text")
    entries["empty folder"] = partial(_folder, name="release")
    entries["a file"] = partial(_write, name="release", data=b"")
    entries["missing"] = lambda folder: folder / "nowhere"
    return entries


def prediction_inputs() -> dict[str, Maker]:
    """Return COCO files of detections."""
    seed, rng = fuzz_data.prediction_seeds()[0], np.random.default_rng(13)
    entries: dict[str, Maker] = {}
    for share in TRUNCATIONS:
        entries[f"cut to {share}"] = partial(_write, name="found.json", data=_truncated(seed, share))
    for number in range(50):
        entries[f"changed, {number}"] = partial(_write, name="found.json", data=fuzz_data.change_json(seed, seed, rng))
    for what, data in {"nested": b"[" * 100_000, "UTF-16": seed.decode().encode("utf-16"), "NUL": b"\0"}.items():
        entries[what] = partial(_write, name="found.json", data=data)
    entries["FIFO"] = partial(_fifo, name="found.json")
    entries["folder"] = partial(_folder, name="found.json")
    return entries
