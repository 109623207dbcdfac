"""``stylelib`` and ``python -m stylelib``."""

import sys


def main():
    """Import the command line, which takes long enough for a Ctrl-C, and run it."""
    try:
        from stylelib import cli
    except KeyboardInterrupt:
        print("stylelib: interrupted", file=sys.stderr)
        return 130
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
