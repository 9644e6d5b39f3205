"""Reproducible skops files: equal models give equal bytes."""

from __future__ import annotations

import io
import json
from typing import Any
from zipfile import ZipFile, ZipInfo

SCHEMA = "schema.json"


def reproducible(data: bytes) -> bytes:
    """Return the same skops file without memory addresses and times of writing.

    skops names each object by its memory address, and its archive has the time of each entry. Here objects are numbered
    in the order in which the file has them, and the time is that at which zip archives begin, 1980.

    Parameters
    ----------
    data : bytes
        As from ``skops.io.dumps``.

    Examples
    --------
    >>> import numpy as np
    >>> import skops.io
    >>> from skneural.deployment.reproducible_skops import reproducible
    >>> files = [reproducible(skops.io.dumps({"a": np.zeros(3), "b": [1.0]})) for _ in range(2)]
    >>> files[0] == files[1]
    True
    >>> skops.io.loads(files[0])
    {'a': array([0., 0., 0.]), 'b': [1.0]}
    """
    target = io.BytesIO()
    with ZipFile(io.BytesIO(data)) as source, ZipFile(target, "w") as archive:
        numbers: dict[int, int] = {}
        names: dict[str, str] = {}
        schema = _numbered(json.loads(source.read(SCHEMA)), numbers, names)
        for old, new in names.items():
            archive.writestr(ZipInfo(new), source.read(old))
        archive.writestr(ZipInfo(SCHEMA), json.dumps(schema, indent=2))
    return target.getvalue()


def _numbered(node: Any, numbers: dict[int, int], names: dict[str, str]) -> Any:
    """Return a node of the schema with numbers instead of addresses; note the numbers, and the new names of files."""
    if isinstance(node, list):
        return [_numbered(each, numbers, names) for each in node]
    if not isinstance(node, dict):
        return node
    result = {key: _numbered(value, numbers, names) for key, value in node.items()}
    if isinstance(node.get("__id__"), int):
        result["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
    if isinstance(node.get("file"), str):
        _, _, suffix = node["file"].rpartition(".")
        result["file"] = names.setdefault(node["file"], f"{len(names) + 1}.{suffix}")
    return result
