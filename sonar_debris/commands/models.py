"""``sonar-debris models``: which weights are shipped, and what is known of them."""

import json
from pathlib import Path

import click


@click.group()
def models() -> None:
    """List the shipped models, or show a model's card.

    \b
    Example:
      sonar-debris models list
    """


@models.command("list")
def list_() -> None:
    """List the shipped models: name, size, training data and figures.

    \b
    Example:
      sonar-debris models list
    """
    from rich.console import Console
    from rich.table import Table

    from sonar_debris.detectors.model_folder import list_models

    table = Table("name", "size", "data", "figures")
    for name, folder in list_models().items():
        settings = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        table.add_row(name, folder_size(folder), in_words(settings.get("data")), in_words(settings.get("figures")))
    Console().print(table)


@models.command()
@click.argument("name", metavar="NAME|PATH")
def show(name: str) -> None:
    """Show a model's card.

    \b
    Example:
      sonar-debris models show sliding-window
    """
    from sonar_debris.detectors.model_folder import find_model

    click.echo((find_model(name) / "README.md").read_text(encoding="utf-8").rstrip())


def folder_size(folder: Path) -> str:
    """Sum up a folder's files, in MB."""
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return f"{size / 1e6:.1f} MB"


def in_words(value: object) -> str:
    """Put a JSON value on one line: an object as ``key value, key value``, nothing as nothing."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {in_words(entry)}" for key, entry in value.items())
    if isinstance(value, list):
        return " ".join(map(in_words, value))
    return "" if value is None else str(value)
