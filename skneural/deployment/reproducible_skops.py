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
        id_numbers: dict[int, int] = {}
        file_names: dict[str, str] = {}
        schema = _with_numbered_ids(json.loads(source.read(SCHEMA)), id_numbers, file_names)
        for old_file, new_file in file_names.items():
            archive.writestr(ZipInfo(new_file), source.read(old_file))
        archive.writestr(ZipInfo(SCHEMA), json.dumps(schema, indent=2))
    return target.getvalue()


def _with_numbered_ids(schema_node: Any, id_numbers: dict[int, int], file_names: dict[str, str]) -> Any:
    """Return a node of the schema with numbers instead of addresses; note the numbers, and the new names of files."""
    if isinstance(schema_node, list):
        return [_with_numbered_ids(each, id_numbers, file_names) for each in schema_node]
    if not isinstance(schema_node, dict):
        return schema_node
    result = {key: _with_numbered_ids(value, id_numbers, file_names) for key, value in schema_node.items()}
    if isinstance(schema_node.get("__id__"), int):
        result["__id__"] = id_numbers.setdefault(schema_node["__id__"], len(id_numbers) + 1)
    if isinstance(schema_node.get("file"), str):
        _, _, suffix = schema_node["file"].rpartition(".")
        result["file"] = file_names.setdefault(schema_node["file"], f"{len(file_names) + 1}.{suffix}")
    return result
