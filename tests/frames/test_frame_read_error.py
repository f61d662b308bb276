import pickle

from sonar_debris.errors import SonarDebrisError
from sonar_debris.frames import FrameReadError


def test_message_is_one_line():
    error = FrameReadError("dive\n7/ping.png", "broken\n  header")
    assert isinstance(error, SonarDebrisError)
    assert (error.name, error.reason) == ("dive\n7/ping.png", "broken\n  header")
    assert str(error) == "dive 7/ping.png: broken header"


def test_travels_between_processes():
    error = pickle.loads(pickle.dumps(FrameReadError("ping.png", "the file is empty")))
    assert str(error) == "ping.png: the file is empty"
