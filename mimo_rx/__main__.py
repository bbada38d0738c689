"""``python -m mimo_rx`` is ``mimo-rx``."""

from .cli import main

if __name__ == "__main__":
    main()
