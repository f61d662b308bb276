"""The single-pass detector: network, loss, sampler, training and detection."""
