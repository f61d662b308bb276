"""``sonar-debris survey``: process whole dives offline, then review, report and export the results."""

import click

from sonar_debris.commands.lazy_group import LazyGroup

PACKAGE = "sonar_debris.commands.survey"
COMMANDS = {
    "compare": (f"{PACKAGE}.summary:compare", "Compare the objects of a survey with the ground truth."),
    "export": (f"{PACKAGE}.review:export", "Write detections and objects for other programs."),
    "labels": (f"{PACKAGE}.review:labels", "Write the reviewed frames and their labels for training."),
    "learn": (f"{PACKAGE}.learn:learn", "Teach a detector the place from the reviewed frames."),
    "report": (f"{PACKAGE}.review:report", "Write a report that opens in any browser."),
    "review": (f"{PACKAGE}.review:review", "Accept, reject or relabel detections in a browser."),
    "run": (f"{PACKAGE}.run:run", "Process recordings and images, and store the results."),
    "suggest": (f"{PACKAGE}.learn:suggest", "Choose the frames that are worth labelling."),
    "summary": (f"{PACKAGE}.summary:summary", "Count the objects of a survey by class."),
}


@click.group(cls=LazyGroup, lazy_commands=COMMANDS)
def survey() -> None:
    """Process whole dives offline, then review, report and export the results.

    \b
    Example:
      sonar-debris survey run dive-07/ dive-08.aris -o night
      sonar-debris survey summary night
      sonar-debris survey report night
      sonar-debris survey export night --format coco --format gpkg
    """
