"""The command line, settings and reports."""
