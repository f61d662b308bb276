"""Command groups that import a command only when it is invoked."""

from importlib import import_module

import click


class LazyGroup(click.Group):
    """A group that imports its commands on demand, so that ``--help`` answers at once.

    Args:
        lazy_commands: for each command name where it is (``"package.module:attribute"``) and its one-line summary.
        **attributes: arguments of `click.Group`.
    """

    def __init__(self, *args, lazy_commands: dict[str, tuple[str, str]] | None = None, **attributes):
        super().__init__(*args, **attributes)
        self.lazy_commands = lazy_commands or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the command names, sorted."""
        return sorted(self.lazy_commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; return None for an unknown name."""
        if cmd_name not in self.lazy_commands:
            return None
        module, attribute = self.lazy_commands[cmd_name][0].split(":")
        return getattr(import_module(module), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands and their summaries without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.lazy_commands[name][1]) for name in self.list_commands(ctx)])
