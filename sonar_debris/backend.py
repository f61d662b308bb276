"""The library that runs the networks, chosen by the environment variable ``KERAS_BACKEND``.

MERGED:
Keeps the start-up chatter of the networks' backend out of the terminal.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from sonar_debris.errors import SonarDebrisError

BACKENDS = ("tensorflow", "jax", "torch")


def check_backend() -> None:
    """Look whether the backend that the user chose is there, before Keras fails over it in the midst of an import.

    Raises:
        SonarDebrisError: ``KERAS_BACKEND`` names a backend that is unknown, or is not installed.
    """
    name = os.environ.get("KERAS_BACKEND")
    if not name:
        return
    if name not in BACKENDS:
        raise SonarDebrisError(f"KERAS_BACKEND={name}: no such backend; choose one of: {', '.join(BACKENDS)}")
    if find_spec(name) is None:
        raise SonarDebrisError(f"KERAS_BACKEND={name}: {name} is not installed; install it, or choose another backend")


@contextmanager
def quiet_backend() -> Iterator[None]:
    """Import keras, or what imports it, within this context for a silent start.

    The log level alone is not enough: TensorFlow's C++ parts write to descriptor 2 before they read it
    (tensorflow/tensorflow#100442), so the descriptor is turned away for as long as the context lasts. Python's
    exceptions come through. TensorFlow's Python part stays at errors afterwards too, for it warns of each new size of
    frame. With ``TF_CPP_MIN_LOG_LEVEL=0`` in the environment everything is shown.

    Raises:
        SonarDebrisError: the backend that the user chose is not there.
    """
    check_backend()
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0":
        yield
        return
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    stderr = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
