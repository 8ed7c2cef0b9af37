"""`python -m codeclone`."""

from codeclone.cli import main

if __name__ == "__main__":
    main()
