"""`python -m recoup.cli` is `recoup`."""

from recoup.cli import main

if __name__ == "__main__":
    main()
