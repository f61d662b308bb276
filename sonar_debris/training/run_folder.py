"""A run folder belongs to one training: the same options go on with it, others are refused."""

import json
from pathlib import Path

from sonar_debris.errors import SonarDebrisError


def claim_run_folder(folder: Path, options: dict) -> None:
    """Make a run folder for a training, or find it made for the same one.

    Args:
        folder: where the training's networks, logs and checkpoints go; ``options.json`` there tells its owner.
        options: all that decides the result, of JSON's types.

    Raises:
        SonarDebrisError: the folder holds a training with other options; the message names the first that differs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "options.json"
    wanted = json.loads(json.dumps(options))
    if not path.exists():
        path.write_text(json.dumps(wanted, indent=1) + "\n")
        return
    try:
        found = json.loads(path.read_text())
        different = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
    except (ValueError, TypeError, AttributeError) as error:
        raise SonarDebrisError(f"{path}: damaged ({error}); choose another run folder") from error
    if different:
        name = different[0]
        raise SonarDebrisError(
            f"{folder}: holds a training with another {name} ({found.get(name)}, not {wanted.get(name)}); "
            "choose another run folder"
        )
