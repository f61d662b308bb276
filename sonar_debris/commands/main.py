"""Words for the user.

MERGED:
The ``sonar-debris`` command: finds the verb, imports it, turns errors into one line and an exit code.
"""

import sys
import warnings

import click

from sonar_debris import __version__
from sonar_debris.commands.lazy_group import LazyGroup
from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning


def one_line(error: Exception) -> str:
    """Put an error into one line.

    Args:
        error: what was raised.

    Returns:
        What happened and, for an error of the file system, to which file.
    """
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split()) or type(error).__name__


PACKAGE = "sonar_debris.commands"
COMMANDS = {
    "convert": (f"{PACKAGE}.convert:convert", "Convert a recording to images or a video."),
    "detect": (f"{PACKAGE}.detect:detect", "Find and name debris in sonar frames."),
    "evaluate": (f"{PACKAGE}.evaluate:evaluate", "Measure classifiers, proposals and detections on labelled frames."),
    "info": (f"{PACKAGE}.info:info", "Describe a file of frames."),
    "models": (f"{PACKAGE}.models:models", "List the shipped models, or show a model card."),
    "reproduce": (f"{PACKAGE}.reproduce:reproduce", "Regenerate the published results beside the published figures."),
    "simulate": (f"{PACKAGE}.simulate:simulate", "Make simulated sonar frames with ground truth."),
    "survey": (f"{PACKAGE}.survey:survey", "Process whole dives offline."),
    "train": (f"{PACKAGE}.train:train", "Train the networks on labelled frames."),
}


class MainGroup(LazyGroup):
    """The top-level command, which turns errors into one line and an exit code."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb; an error that the user can put right ends as one line and exit code 2."""
        try:
            with warnings.catch_warnings():
                show_warnings_in_one_line()
                return super().invoke(ctx)
        except BrokenPipeError:
            raise  # the reader of our output has gone: click knows how to end quietly
        except (SonarDebrisError, OSError) as error:
            click.echo(f"error: {one_line(error)}", err=True)
            sys.exit(2)


def show_warnings_in_one_line() -> None:
    """Of a file that is not whole the user hears in one line; where in our code that was found tells him nothing."""
    shown = warnings.showwarning
    warnings.simplefilter("always", SonarDebrisWarning)

    def show(message, category, *where, **more) -> None:
        if issubclass(category, SonarDebrisWarning):
            click.echo(f"warning: {message}", err=True)
        else:
            shown(message, category, *where, **more)

    warnings.showwarning = show


@click.group(cls=MainGroup, lazy_commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sonar-debris")
def main() -> None:
    """Find and name debris in forward-looking-sonar frames.

    \b
    Example:
      sonar-debris detect dive-07/ -o dive-07-found

    \b
    Exit code 0: done. 1: some inputs failed, each is named. 2: wrong usage, or nothing could be done.
    """
