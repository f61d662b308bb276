"""``sonar-debris survey``: whole dives, offline."""

import click

from sonar_debris.commands.survey_compare import compare
from sonar_debris.commands.survey_export import export
from sonar_debris.commands.survey_labels import labels
from sonar_debris.commands.survey_report import report
from sonar_debris.commands.survey_review import review
from sonar_debris.commands.survey_run import run
from sonar_debris.commands.survey_summary import summary


@click.group()
def survey() -> None:
    """Search whole dives overnight, and make something of what was found.

    \b
    Example:
      sonar-debris survey run dive-07/ dive-08.aris -o night
      sonar-debris survey summary night
      sonar-debris survey report night
      sonar-debris survey export night --format coco --format gpkg
    """


for command in (run, summary, report, review, export, labels, compare):
    survey.add_command(command)
