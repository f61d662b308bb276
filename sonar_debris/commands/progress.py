"""The progress bar of commands that go through frames."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def frame_progress(total: int) -> Iterator[Callable[[int], None]]:
    """Show on stderr how many frames are done and the time left; only where stderr is a terminal.

    Args:
        total: how many frames there are.

    Yields:
        A function to be called with the number of frames done so far.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("frames"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("frames", total=total)
        yield lambda done: progress.update(task, completed=done)
