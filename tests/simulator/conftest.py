"""Simulated frames that several tests share."""

import pytest

from sonar_debris.simulator import simulate_frames


@pytest.fixture(scope="session")
def simulated() -> list:
    """Sixty frames, enough to contain every class."""
    return list(simulate_frames(60, seed=3))
