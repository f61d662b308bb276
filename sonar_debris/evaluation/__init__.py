"""Measure classifiers, proposals and detections on labelled data."""
