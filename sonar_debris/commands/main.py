"""The ``sonar-debris`` command: import the command that was called, and turn errors into one line and an exit code."""

import sys
import warnings
from typing import TextIO

import click

from sonar_debris import __version__
from sonar_debris.commands.lazy_group import LazyGroup
from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning, one_line

PACKAGE = "sonar_debris.commands"
COMMANDS = {
    "convert": (f"{PACKAGE}.convert:convert", "Convert a recording to images or a video."),
    "detect": (f"{PACKAGE}.detect:detect", "Find and name debris in sonar frames."),
    "evaluate": (f"{PACKAGE}.evaluate:evaluate", "Measure classifiers, proposals and detections on labelled frames."),
    "info": (f"{PACKAGE}.info:info", "Describe a recording, an image or each file of a folder."),
    "models": (f"{PACKAGE}.models:models", "List the shipped models, or show a model card."),
    "reproduce": (f"{PACKAGE}.reproduce:reproduce", "Reproduce published results and compare the figures."),
    "simulate": (f"{PACKAGE}.simulate:simulate", "Simulate sonar frames with ground truth."),
    "survey": (f"{PACKAGE}.survey:survey", "Process whole dives offline."),
    "train": (f"{PACKAGE}.train:train", "Train the networks on labelled frames."),
}


class MainGroup(LazyGroup):
    """The top-level group, which turns errors into one line and an exit code."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; an error that the user can fix ends it with one line and exit code 2."""
        try:
            with warnings.catch_warnings():
                print_warnings_as_one_line()
                return super().invoke(ctx)
        except BrokenPipeError:
            raise  # the program that reads our output has ended; click handles this silently
        except (SonarDebrisError, OSError) as error:
            click.echo(f"error: {one_line(error)}", err=True)
            sys.exit(2)


def print_warnings_as_one_line() -> None:
    """Print this package's warnings as one line, without the line of code that issued them."""
    show_other_warning = warnings.showwarning
    warnings.simplefilter("always", SonarDebrisWarning)

    def show_warning(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, SonarDebrisWarning):
            click.echo(f"warning: {message}", err=True)
        else:
            show_other_warning(message, category, filename, lineno, file, line)

    warnings.showwarning = show_warning


@click.group(cls=MainGroup, lazy_commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sonar-debris")
def main() -> None:
    """Find and name debris in forward-looking-sonar frames.

    \b
    Example:
      sonar-debris detect dive-07/ -o dive-07-detections

    \b
    Exit code 0: done. 1: some inputs failed; each is listed on stderr. 2: wrong usage, or nothing could be done.
    """
