"""Command groups that import a command only when it is called."""

from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group that imports its commands on demand, so that ``--help`` answers at once.

    Args:
        lazy_commands: for each command's name its location (``"package.module:attribute"``) and its one-line summary.
        **attributes: arguments of `click.Group`.
    """

    def __init__(self, *, lazy_commands: dict[str, tuple[str, str]], **attributes: Any):
        super().__init__(**attributes)
        self.lazy_commands = lazy_commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the command names, sorted."""
        return sorted(self.lazy_commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command.

        Args:
            ctx: the context of the call.
            cmd_name: the command's name.

        Returns:
            The command, or None if the name is unknown.

        Raises:
            TypeError: the location does not hold a command.
        """
        if cmd_name not in self.lazy_commands:
            return None
        location, _ = self.lazy_commands[cmd_name]
        module, attribute = location.split(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"lazy_commands must give the location of a click command. Received: {location}")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands and their summaries, without importing any command.

        Args:
            ctx: the context of the call.
            formatter: what the help page is written to.
        """
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.lazy_commands[name][1]) for name in self.list_commands(ctx)])
