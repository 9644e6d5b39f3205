"""``atomic_write``: files that are written completely or not at all."""

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
    """Open a temporary file that replaces the file at `path` at the end of the block.

    The temporary file lies in the same folder. If anything fails, a full disk for instance, it is removed and the old
    file is unchanged. Other processes see the old file or the new one, never a part of it.

    Parameters
    ----------
    path : str or path-like
        The file to replace or create.

    Yields
    ------
    file : binary file, open for writing

    Raises
    ------
    OSError
        If the file cannot be written.

    Notes
    -----
    A note is added to whatever is raised, in the block too: the file was not written.

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
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException as error:
        error.add_note(f"{target} was not written; the old file, if there was one, is unchanged.")
        raise
    finally:
        temporary.unlink(missing_ok=True)
