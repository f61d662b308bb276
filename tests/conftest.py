"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest

# Before any test module imports keras.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the public release; tests that ask for it are skipped where it is absent."""
    folder = Path(os.environ.get("SONAR_DEBRIS_DATA", ROOT.parent / "shared" / "data")) / "marine-debris-fls"
    if not folder.is_dir():
        pytest.skip(f"no real sonar data: {folder} is absent; SONAR_DEBRIS_DATA may name the folder that holds it")
    return folder
