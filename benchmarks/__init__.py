"""What is measured, as modules to run."""
