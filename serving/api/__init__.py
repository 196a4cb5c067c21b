"""The HTTP service for programs."""
