"""The library that runs the networks, chosen by the environment variable ``KERAS_BACKEND``."""

import os
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
