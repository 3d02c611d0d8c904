"""The edge: parses, calls one function of the rooms below, prints.

Owns: commands, exit codes, and what goes to standard output and what to error.
Never: computes a number, or loads the training side before a training is asked for.
"""

from .app import app, main

__all__ = ["app", "main"]
