"""Check and silence the backend that runs the networks; the environment variable ``KERAS_BACKEND`` chooses it."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from sonar_debris.errors import SonarDebrisError

BACKENDS = ("tensorflow", "jax", "torch")


def check_backend() -> None:
    """Check that the chosen backend is installed; otherwise Keras would fail with a traceback.

    Raises:
        SonarDebrisError: ``KERAS_BACKEND`` is an unknown backend, or one that is not installed.
    """
    name = os.environ.get("KERAS_BACKEND")
    if not name:
        return
    if name not in BACKENDS:
        raise SonarDebrisError(f"KERAS_BACKEND={name}: unknown backend; choose one of: {', '.join(BACKENDS)}")
    if find_spec(name) is None:
        raise SonarDebrisError(f"KERAS_BACKEND={name}: {name} is not installed; install it or choose another backend")


@contextmanager
def quiet_backend() -> Iterator[None]:
    """Silence the backend's start-up messages while keras is imported in this context.

    Setting the log level is not enough: TensorFlow's C++ code writes to file descriptor 2 before it reads the level
    (tensorflow/tensorflow#100442). So the descriptor is redirected to the null device inside the context. Python's
    exceptions are raised as usual. Afterwards TensorFlow's Python logger still shows only errors, as it would warn of
    each new frame size. With ``TF_CPP_MIN_LOG_LEVEL=0`` in the environment nothing is silenced.

    Raises:
        SonarDebrisError: the chosen backend is not installed.

    Example:
        >>> with quiet_backend():  # doctest: +SKIP
        ...     import keras
    """
    check_backend()
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0":
        yield
        return
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    stderr = os.dup(2)
    null_device = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null_device, 2)
    os.close(null_device)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
