"""Keep a trained detector in about half the space: its weights as 16 bit hold them, the file deflated.

Usage: python benchmarks/held_out/pack.py RUN OUT
"""

import shutil
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from sonar_debris.networks import load_network

NETWORK = "detector.keras"


def pack(run: Path, out: Path) -> None:
    """Copy a model folder, its network rounded and deflated."""
    network = load_network(run / NETWORK)
    network.set_weights([weights.astype(np.float16).astype(weights.dtype) for weights in network.get_weights()])
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        network.save(Path(folder) / NETWORK)
        deflate(Path(folder) / NETWORK, out / NETWORK)
    shutil.copy(run / "model.json", out)


def deflate(plain: Path, packed: Path) -> None:
    """Write a zip file anew, with compression."""
    with (
        zipfile.ZipFile(plain) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target,
    ):
        for name in source.namelist():
            target.writestr(name, source.read(name))


if __name__ == "__main__":
    pack(*map(Path, sys.argv[1:]))
