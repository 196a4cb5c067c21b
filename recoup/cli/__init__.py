"""The command line, a module for each group of commands."""

from recoup.cli.run import main

__all__ = ["main"]
