"""The single-pass detector."""
