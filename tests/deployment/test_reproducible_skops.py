"""Equal models give equal skops files, which load as those of skops itself."""

import io
import zipfile

import numpy as np
import pytest
from scipy import sparse

from skneural.deployment.reproducible_skops import reproducible

skops = pytest.importorskip("skops.io")

SHARED = np.arange(4.0)
CONTENTS = {
    "arrays": lambda: [np.zeros(3), np.ones((2, 2), dtype=np.float32), np.array(["a", "b"])],
    "shared": lambda: {"a": SHARED, "b": SHARED, "c": SHARED.copy()},
    "objects": lambda: np.array(["a", 1, None], dtype=object),
    "sparse": lambda: {"X": sparse.csr_matrix(np.eye(3))},
    "bytes": lambda: {"raw": b"\x00\x01", "more": bytearray(b"\x02")},
    "names like those of skops": lambda: {"__id__": 5, "file": "12.npy", "content": {"__id__": {"file": 3}}},
    "nothing": dict,
}


@pytest.mark.parametrize("name", CONTENTS)
def test_equal_contents_give_equal_bytes(name):
    files = set()
    kept = []  # so that no address is used again
    for _ in range(3):
        kept += [CONTENTS[name](), np.empty(100)]
        files.add(reproducible(skops.dumps(kept[-2])))
    assert len(files) == 1


@pytest.mark.parametrize("name", CONTENTS)
def test_the_content_is_that_of_the_original(name):
    original = skops.dumps(CONTENTS[name]())
    trusted = skops.get_untrusted_types(data=original)
    expected, loaded = (skops.loads(data, trusted=trusted) for data in (original, reproducible(original)))
    assert repr(loaded) == repr(expected)


def test_what_is_shared_stays_shared_and_is_stored_once():
    data = reproducible(skops.dumps({"a": SHARED, "b": SHARED, "c": SHARED.copy()}))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["1.npy", "2.npy", "schema.json"]
        assert archive.testzip() is None


def test_other_contents_give_other_bytes():
    files = {reproducible(skops.dumps(content)) for content in ([0.0], [1.0], [np.zeros(1)], [np.ones(1)])}
    assert len(files) == 4
