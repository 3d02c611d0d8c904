"""Compiled programs on disk, for the next process.

JAX's own cache, where its size is bounded, looks at every program in it before it adds
one, and lets no other process in meanwhile: with a few thousand that takes longer than
most compilations, and a file that a killed process left behind ends all writing. This
one has the same programs under the same names, looks at them now and then, and needs
no lock: a program appears whole or not at all.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

HOOK = "get_file_cache"
_DAY = 24 * 60 * 60


class ProgramFolder:
    """A folder of compiled programs by key; those used longest ago make room.

    What cannot be read is not there, and what cannot be written is not kept: a disk
    that is full costs compilations, not the run.

    Args:
        path: The folder, which is made if it is not there.
        max_bytes: How large it may be; it may grow by an eighth more until it is
            looked at again.
    """

    def __init__(self, path: str | Path, max_bytes: int) -> None:
        self._path = Path(path)  # under the name that JAX tells it by
        self._max_bytes = max_bytes
        self._until_next_look = 0
        self._counting = threading.Lock()
        self._path.mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> bytes | None:
        """Return a program as it was put, None if there is none."""
        file = self._file(key)
        try:
            value = file.read_bytes()
        except OSError:
            return None
        with suppress(OSError):
            os.utime(file)  # it was used now
        return value

    def put(self, key: str, value: bytes) -> None:
        """Keep a program, in place of any that has its key."""
        with suppress(OSError):
            self._write(self._file(key), value)
        with self._counting:
            self._until_next_look -= len(value)
            has_to_look = self._until_next_look < 0
            if has_to_look:
                self._until_next_look = self._max_bytes // 8
        if has_to_look:
            self.make_room()

    def make_room(self) -> None:
        """Remove the programs used longest ago, and what killed processes left."""
        programs: list[tuple[float, int, str]] = []
        now = time.time()
        with suppress(OSError), os.scandir(self._path) as entries:
            for entry in entries:
                with suppress(OSError):  # another process has removed it
                    found = entry.stat()
                    if entry.name.endswith("-cache"):
                        programs.append((found.st_mtime, found.st_size, entry.path))
                    elif now - found.st_mtime > _DAY:
                        os.unlink(entry.path)
        n_bytes = sum(size for _, size, _ in programs)
        for _, size, path in sorted(programs):
            if n_bytes <= self._max_bytes:
                break
            with suppress(OSError):
                os.unlink(path)
            n_bytes -= size

    def _file(self, key: str) -> Path:
        return self._path / f"{key}-cache"

    def _write(self, file: Path, value: bytes) -> None:
        handle, written = tempfile.mkstemp(dir=self._path)
        try:
            with os.fdopen(handle, "wb") as new:
                new.write(value)
            os.replace(written, file)
        except OSError:
            Path(written).unlink(missing_ok=True)
            raise


def keep_in(path: Path, max_bytes: int) -> None:
    """Have JAX keep compiled programs in a folder, from its next compilation on.

    A JAX without the hook keeps them in its own way, and room is made once, now.
    """
    jax, folder = import_module("jax"), ProgramFolder(path, max_bytes)
    jax.config.update("jax_compilation_cache_dir", str(path))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    try:
        caches = import_module("jax._src.compilation_cache")
        of_jax = getattr(caches, HOOK)
    except (ImportError, AttributeError):
        folder.make_room()
        return

    def file_cache(wanted: str) -> Any:
        return (folder, wanted) if wanted == str(path) else of_jax(wanted)

    setattr(caches, HOOK, file_cache)
