"""Homeroom: `keras.Model.fit` with the honest half of the job built in."""

__version__ = "0.1.0"
