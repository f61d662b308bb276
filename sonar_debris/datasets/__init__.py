"""Labelled data: readers, splits, augmentation and training frames."""
