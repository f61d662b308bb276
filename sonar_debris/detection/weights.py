"""Load shipped or trained Keras networks safely."""

from pathlib import Path

from sonar_debris.errors import SonarDebrisError
from sonar_debris.quiet import quiet_backend


def load_network(path: Path | str):
    """Load a ``.keras`` file for inference; nothing in it is executed or unpickled.

    Raises:
        SonarDebrisError: the file is missing, or is not a Keras model.
    """
    path = Path(path)
    if not path.is_file():
        raise SonarDebrisError(f"{path}: no such network; train one with 'sonar-debris train'")
    with quiet_backend():
        import keras
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many kinds, from zipfile's to h5py's.
        reason = str(error).partition("\n")[0][:120]
        raise SonarDebrisError(f"{path}: not a readable Keras model ({reason})") from error
