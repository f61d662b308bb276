import pickle

import numpy as np
import pytest

from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames import FrameReadError, FrameReadWarning
from sonar_debris.frames.frame import DamagedFrame, RawFrame, frame_or_damaged


def test_message_is_one_line():
    error = FrameReadError("dive\n7/ping.png", "broken\n  header")
    assert isinstance(error, SonarDebrisError)
    assert (error.name, error.reason) == ("dive\n7/ping.png", "broken\n  header")
    assert str(error) == "dive 7/ping.png: broken header"


@pytest.mark.parametrize("problem", [FrameReadError, FrameReadWarning])
def test_errors_and_warnings_can_be_sent_between_processes(problem):
    copy = pickle.loads(pickle.dumps(problem("ping.png", "the file is empty")))
    assert (copy.name, copy.reason) == ("ping.png", "the file is empty")
    assert str(copy) == "ping.png: the file is empty"


def test_only_a_value_error_makes_a_damaged_frame():
    frame = RawFrame(np.zeros((2, 3), np.float32), 4)

    def fail(error):
        raise error

    assert frame_or_damaged(4, lambda: frame) is frame
    assert frame_or_damaged(4, lambda: fail(ValueError("no pixels"))) == DamagedFrame(4, "no pixels")
    with pytest.raises(KeyError):
        frame_or_damaged(4, lambda: fail(KeyError("bug")))
