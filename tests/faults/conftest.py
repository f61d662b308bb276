"""Processes that run commands on a survey, and may be killed, limited, or run as a user without rights."""

import os
import subprocess
import sys

import numpy as np
import pytest

# The detector is a fake one, which takes as long as the variable SECONDS_PER_FRAME says. With FILE_SIZE_LIMIT no file
# may become larger, as on a full disk. With USER_ID the process gives up the rights of root.
COMMAND = """
import os, resource, sys, time
from sonar_debris.backend import quiet_backend
from sonar_debris.commands.main import main
from sonar_debris.detectors.base import DebrisDetector
from tests.fakes import BrightSpots
class Slow(BrightSpots):
    def detect_batch(self, frames):
        time.sleep(float(os.environ.get("SECONDS_PER_FRAME", 0)))
        return super().detect_batch(frames)
DebrisDetector.from_pretrained = lambda model, min_score: Slow()
# All that the commands import: a user without rights may not be able to read it.
import sonar_debris.survey.count_evaluation, sonar_debris.survey.run
import sonar_debris.survey.exports.detection_formats
if sys.argv[1] == "run":
    with quiet_backend():
        import keras
if "FILE_SIZE_LIMIT" in os.environ:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["FILE_SIZE_LIMIT"]),) * 2)
if "USER_ID" in os.environ and os.getuid() == 0:
    os.setgroups([])
    os.setgid(int(os.environ["USER_ID"]))
    os.setuid(int(os.environ["USER_ID"]))
main(["survey", *sys.argv[1:]])
"""


@pytest.fixture
def start():
    """A function that starts ``sonar-debris survey`` with words, and with environment variables."""
    processes = []

    def start_command(*words, **variables):
        environment = os.environ | {"PYTHONPATH": os.getcwd(), "TF_CPP_MIN_LOG_LEVEL": "3"}
        environment |= {name: str(value) for name, value in variables.items()}
        command = [sys.executable, "-c", COMMAND, *map(str, words)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
        )
        processes.append(process)
        return process

    yield start_command
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def finish(start):
    """A function that runs ``sonar-debris survey`` to its end; it returns exit code, output and lines of errors."""

    def finish_command(*words, **variables):
        process = start(*words, **variables)
        output, errors = process.communicate(timeout=120)
        return process.returncode, output, errors.splitlines()

    return finish_command


@pytest.fixture
def recording(tmp_path):
    """A file of 24 frames."""
    frames = np.random.default_rng(0).uniform(0, 0.9, (24, 40, 50)).astype(np.float32)
    np.save(tmp_path / "dive.npy", frames)
    return tmp_path / "dive.npy"
