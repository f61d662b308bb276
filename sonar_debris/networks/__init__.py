"""The Keras networks: objectness, box refiner and crop classifiers."""
