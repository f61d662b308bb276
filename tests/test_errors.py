import pytest

from sonar_debris.errors import FailureLog, SonarDebrisError, one_line
from sonar_debris.frames.frame import FrameReadError


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
def test_message_is_one_line(error, expected):
    assert one_line(error) == expected


def test_failures_are_listed_and_reported_as_they_occur():
    reported = []
    failures = FailureLog(lambda name, reason: reported.append(f"{name}: {reason}"))

    failures.add("a.png", "the file is empty")
    failures.add_error(FrameReadError("dive.aris", "a frame header is damaged", 3))

    assert failures.entries == [("a.png", "the file is empty"), ("dive.aris", "frame 3: a frame header is damaged")]
    assert reported == ["a.png: the file is empty", "dive.aris: frame 3: a frame header is damaged"]
    assert len(failures) == 2
