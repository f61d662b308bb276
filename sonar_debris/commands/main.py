"""The ``sonar-debris`` command: finds the verb, imports it, turns errors into one line and an exit code."""

import sys
import warnings
from importlib import import_module

import click

from sonar_debris import __version__
from sonar_debris.commands.messages import one_line
from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning

VERBS = {
    "convert": "Convert a recording to images or a video.",
    "detect": "Find and name debris in sonar frames.",
    "evaluate": "Measure classifiers, proposals and detections on labelled frames.",
    "reproduce": "Regenerate the published results beside the published figures.",
    "info": "Tell what a file of frames is.",
    "models": "List the shipped models, or show a model's card.",
    "simulate": "Make simulated sonar frames with ground truth.",
    "survey": "Search whole dives overnight.",
    "train": "Train the networks on labelled frames.",
}


class LazyGroup(click.Group):
    """A group whose verb ``x`` is the command ``x`` of ``sonar_debris.commands.x``, imported when it is invoked."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the verbs."""
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb."""
        if cmd_name not in VERBS:
            return None
        return getattr(import_module(f"sonar_debris.commands.{cmd_name}"), cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing any, so that ``--help`` answers at once."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, VERBS[name]) for name in self.list_commands(ctx)])

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


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sonar-debris")
def main() -> None:
    """Find and name debris in forward-looking-sonar frames.

    \b
    Example:
      sonar-debris detect dive-07/ -o dive-07-found

    \b
    Exit code 0: done. 1: some inputs failed, each is named. 2: wrong usage, or nothing could be done.
    """
