import pytest

from sonar_debris.commands.main import one_line
from sonar_debris.errors import SonarDebrisError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SonarDebrisError("in\n  two lines"), "in two lines"),
        (OSError(28, "No space left on device", "out/a.png"), "out/a.png: No space left on device"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("message only"), "message only"),
        (SonarDebrisError(), "SonarDebrisError"),
    ],
)
def test_one_line(error, expected):
    assert one_line(error) == expected
