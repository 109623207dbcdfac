"""``stylelib`` and ``python -m stylelib``."""

import os
import sys


def main():
    """Import the command line, which takes long enough for a Ctrl-C, and run it."""
    # This process is ours; else TensorFlow takes all memory of a GPU, also what others need.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    try:
        from stylelib import cli
    except KeyboardInterrupt:
        print("stylelib: interrupted", file=sys.stderr)
        return 130
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
