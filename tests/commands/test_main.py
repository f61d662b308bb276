import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from sonar_debris import __version__
from sonar_debris.commands.main import COMMANDS, main
from sonar_debris.errors import SonarDebrisError


def command_lines(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the words that call a command, then those of each of its subcommands."""
    yield words
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from command_lines(command.get_command(context, name), (*words, name))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_help_page_has_an_example(name):
    for words in command_lines(main.get_command(click.Context(main), name), (name,)):
        result = CliRunner().invoke(main, [*words, "--help"])

        assert result.exit_code == 0
        assert f"sonar-debris {' '.join(words)}" in result.stdout.split("Example:")[-1]


def test_main_help_has_an_example():
    assert "Example:\n    sonar-debris detect" in CliRunner().invoke(main, ["--help"]).stdout


def test_help_lists_every_command():
    listed = CliRunner().invoke(main, ["--help"]).stdout.split("Commands:")[1]

    assert [line.split()[0] for line in listed.split("\n  ")[1:]] == sorted(COMMANDS)


def test_version_is_printed():
    assert CliRunner().invoke(main, ["--version"]).stdout == f"sonar-debris, version {__version__}\n"


def test_unknown_command_is_wrong_usage():
    assert CliRunner().invoke(main, ["dance"]).exit_code == 2


def test_start_imports_nothing_heavy():
    script = (
        "import sys; from sonar_debris.commands.main import main; main(['--help'], standalone_mode=False);"
        "print(*sorted({'keras', 'tensorflow', 'cv2', 'numpy', 'rich', 'sklearn'} & set(sys.modules)), file=sys.stderr)"
    )

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert result.stderr.strip() == ""


@pytest.mark.parametrize(
    "error", [SonarDebrisError("a.png: broken; repair it"), OSError(2, "broken; repair it", "a.png")], ids=type
)
def test_errors_are_printed_as_one_line(error, monkeypatch):
    @click.command()
    def detect():
        raise error

    monkeypatch.setattr("sonar_debris.commands.detect.detect", detect)

    result = CliRunner().invoke(main, ["detect"])

    assert result.exit_code == 2
    assert result.stderr == "error: a.png: broken; repair it\n"
    assert result.stdout == ""
