"""The report of a survey: pages for a browser that work without a network."""

from sonar_debris.survey.report.writer import write_report

__all__ = ["write_report"]
