"""The ``sonar-debris`` command: import the command that was called, and turn errors into one line and an exit code."""

import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TextIO

import click

from sonar_debris import __version__
from sonar_debris.commands.lazy_group import LazyGroup
from sonar_debris.errors import SonarDebrisError, SonarDebrisWarning, one_line, printable_name

PACKAGE = "sonar_debris.commands"
COMMANDS = {
    "convert": (f"{PACKAGE}.convert:convert", "Convert a recording to images or a video."),
    "detect": (f"{PACKAGE}.detect:detect", "Find and name debris in sonar frames."),
    "evaluate": (f"{PACKAGE}.evaluate:evaluate", "Measure classifiers, proposals and detections on labelled frames."),
    "explain": (f"{PACKAGE}.explain:explain", "Show why the detector reports an object."),
    "info": (f"{PACKAGE}.info:info", "Describe a recording, an image or each file of a folder."),
    "models": (f"{PACKAGE}.models:models", "List the shipped models, or show a model card."),
    "reproduce": (f"{PACKAGE}.reproduce:reproduce", "Reproduce published results and compare the figures."),
    "simulate": (f"{PACKAGE}.simulate:simulate", "Simulate sonar frames with ground truth."),
    "survey": (f"{PACKAGE}.survey:survey", "Process whole dives offline."),
    "train": (f"{PACKAGE}.train:train", "Train the networks on labelled frames."),
}


# What remains of an interrupted command, and how to go on.
AFTER_INTERRUPT = {
    "convert": "the frames so far are written; convert the others with --frames",
    "detect": "the results of the frames so far are written; process the others with --frames and another -o",
    "reproduce": "run the same command again to resume",
    "survey": "run the same command again to resume",
    "train": "run the same command again to resume",
}


class _Terminated(KeyboardInterrupt):
    """SIGTERM ends a command as Ctrl-C does."""


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Raise `_Terminated` on SIGTERM, unless a program that calls this one handles the signal itself."""

    def terminate(signal_number: int, stack_frame: object) -> None:
        raise _Terminated

    is_default = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if not is_default or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


class MainGroup(LazyGroup):
    """The top-level group, which turns errors into one line and an exit code."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; an error that the user can fix, or a signal, ends it with one line and an exit code."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # names of files may hold bytes that are not UTF-8
                stream.reconfigure(errors="backslashreplace")
        try:
            with warnings.catch_warnings(), _sigterm_as_interrupt():
                print_warnings_as_one_line()
                return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            advice = AFTER_INTERRUPT.get(ctx.invoked_subcommand or "", "run the same command again")
            click.echo(f"interrupted; {advice}", err=True)
            sys.exit(128 + (signal.SIGTERM if isinstance(interrupt, _Terminated) else signal.SIGINT))
        except click.ClickException as error:
            vars(error)["message"] = printable_name(error.message)
            raise
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
            click.echo(f"warning: {one_line(message)}", err=True)
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
    130: interrupted by Ctrl-C.
    """
