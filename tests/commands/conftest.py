"""Fixtures of the commands' tests."""

import pytest

from tests.fakes import load_fake_detector


@pytest.fixture
def fake_detector(monkeypatch) -> None:
    """Make the commands load a FakeDetector."""
    monkeypatch.setattr("sonar_debris.detectors.base.DebrisDetector.from_pretrained", load_fake_detector)
