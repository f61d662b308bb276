import json

import pytest

from sonar_debris.errors import SonarDebrisError
from sonar_debris.files import check_resume

OPTIONS = {"split": "scene", "train": ("1", "2"), "seed": 0}


def test_the_same_training_may_go_on(tmp_path):
    check_resume(tmp_path / "run", OPTIONS)
    check_resume(tmp_path / "run", OPTIONS)

    assert json.loads((tmp_path / "run" / "options.json").read_text())["train"] == ["1", "2"]


@pytest.mark.parametrize("other", [{"seed": 1}, {"test_fold": 2}])
def test_another_training_is_refused(tmp_path, other):
    check_resume(tmp_path, OPTIONS)

    with pytest.raises(SonarDebrisError, match=f"another {next(iter(other))}.*choose another run folder"):
        check_resume(tmp_path, OPTIONS | other)


@pytest.mark.parametrize("content", ["", "[1]", "{"])
def test_a_damaged_folder_is_refused(tmp_path, content):
    (tmp_path / "options.json").write_text(content)

    with pytest.raises(SonarDebrisError, match="damaged|another"):
        check_resume(tmp_path, OPTIONS)
