import subprocess
import sys

import pytest

import sonar_debris


def test_exports_are_lazy():
    script = "import sys, sonar_debris; print(*sorted({'numpy', 'cv2', 'keras'} & set(sys.modules)))"

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == ""


@pytest.mark.parametrize("name", sonar_debris.__all__)
def test_exports_are_there(name):
    assert getattr(sonar_debris, name) is not None
    assert name in dir(sonar_debris)


def test_no_such_name():
    with pytest.raises(AttributeError, match="no attribute 'Debris'"):
        _ = sonar_debris.Debris
