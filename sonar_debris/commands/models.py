"""``sonar-debris models``: list the shipped models and show their cards."""

import json
from pathlib import Path

import click


@click.group()
def models() -> None:
    """List the shipped models, or show a model card.

    \b
    Example:
      sonar-debris models list
    """


@models.command("list")
def list_models_command() -> None:
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
        data, figures = settings.get("data"), settings.get("figures")
        table.add_row(name, folder_size(folder), format_value(data), format_value(figures))
    Console().print(table)


@models.command()
@click.argument("name", metavar="NAME|PATH")
def show(name: str) -> None:
    """Show the model card of a shipped model, or of a model folder.

    \b
    Example:
      sonar-debris models show sliding-window
    """
    from sonar_debris.detectors.model_folder import find_model
    from sonar_debris.files import check_regular_file

    card = find_model(name) / "README.md"
    check_regular_file(card)
    click.echo(card.read_text(encoding="utf-8").rstrip())


def folder_size(folder: Path) -> str:
    """Return the total size of a folder's files in MB, as text."""
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return f"{size / 1e6:.1f} MB"


def format_value(value: object) -> str:
    """Return a JSON value on one line: an object as ``key value, key value``, null as an empty text."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {format_value(entry)}" for key, entry in value.items())
    if isinstance(value, list):
        return " ".join(map(format_value, value))
    return "" if value is None else str(value)
