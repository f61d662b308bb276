"""Training of the networks, resumable and repeatable."""
