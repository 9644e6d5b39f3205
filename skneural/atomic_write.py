"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file that takes the place of another when it is whole.

    The bytes go to a new file beside it, which is renamed at the end of the block; if anything fails before, a full
    disk for instance, the new file is removed and the old one is as it was. Other processes see the old or the new one.

    Parameters
    ----------
    path : str or path-like
        The file to be replaced, or made.

    Yields
    ------
    file : binary file, open for writing

    Raises
    ------
    OSError
        If the file cannot be written.

    Notes
    -----
    Whatever is raised, in the block too, gets a note that says so.

    Examples
    --------
    >>> import joblib, tempfile
    >>> from skneural.deployment import atomic_write
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(f"{folder}/numbers.joblib") as file:
    ...         _ = joblib.dump([1, 2, 3], file)
    ...     joblib.load(f"{folder}/numbers.joblib")
    [1, 2, 3]
    """
    target = Path(os.path.realpath(path))  # a link keeps pointing at it
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with open(beside, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, beside)
        os.replace(beside, target)
    except BaseException as error:
        error.add_note(f"{target} was not written; what was there, if anything, is as it was.")
        raise
    finally:
        beside.unlink(missing_ok=True)
