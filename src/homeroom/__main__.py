"""`python -m homeroom`, and the command `homeroom`."""

from __future__ import annotations

from homeroom.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
