"""Detectors of debris: their common interface, model folders, and one folder per kind of detector."""
