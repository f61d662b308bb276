"""The option that chooses a detector."""

import click

from sonar_debris.detection.registry import DEFAULT_MODEL

with_model = click.option(
    "--model", default=DEFAULT_MODEL, show_default=True, metavar="NAME|PATH", help="A shipped model or a folder."
)
