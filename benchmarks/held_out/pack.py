"""Store a trained detector in about half the space: weights rounded to 16 bits, and the file compressed.

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
    """Copy a model folder with its network rounded and compressed."""
    network = load_network(run / NETWORK)
    network.set_weights([weights.astype(np.float16).astype(weights.dtype) for weights in network.get_weights()])
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        plain = Path(folder) / NETWORK
        network.save(plain)
        compress(plain, out / NETWORK)
    shutil.copy(run / "model.json", out)


def compress(plain: Path, packed: Path) -> None:
    """Copy a zip file with compression."""
    with (
        zipfile.ZipFile(plain) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target,
    ):
        for name in source.namelist():
            target.writestr(name, source.read(name))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    pack(Path(sys.argv[1]), Path(sys.argv[2]))
