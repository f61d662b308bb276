"""How far a training is, on stderr: what was reached, and how long the rest will take."""

import sys
import time
from collections.abc import Iterable, Sequence

import keras
from rich.console import Console
from rich.progress import track


def with_progress(items: Sequence, label: str) -> Iterable:
    """Go through items and show how many are done and the time left; only where stderr is a terminal."""
    console = Console(stderr=True)
    return track(items, label, console=console, disable=not console.is_terminal)


class EpochLines(keras.callbacks.Callback):
    """Prints the metrics of each epoch and the time left, fit for a terminal and for a log file.

    Args:
        label: what is being trained.
    """

    def __init__(self, label: str):
        super().__init__()
        self.label = label

    def on_train_begin(self, logs=None):
        """Start the clock."""
        self._begin = time.monotonic()
        self._first = None

    def on_epoch_begin(self, epoch, logs=None):
        """Note the epoch that an interrupted training goes on with."""
        if self._first is None:
            self._first = epoch

    def on_epoch_end(self, epoch, logs=None):
        """Print the line."""
        epochs = self.params["epochs"]
        done = epoch + 1 - self._first
        left = (time.monotonic() - self._begin) / done * (epochs - epoch - 1)
        metrics = "  ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items() if name != "learning_rate")
        print(f"{self.label} epoch {epoch + 1}/{epochs}  {metrics}  {left / 60:.1f} min left", file=sys.stderr)
