"""The methods that the networks are held against."""
