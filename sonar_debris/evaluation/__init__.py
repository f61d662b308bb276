"""Accuracy, mean average precision, proposal recall and calibration."""
