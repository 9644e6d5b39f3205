"""What people pass for a table: values of every kind, in containers of every kind."""

from __future__ import annotations

import mmap
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import strategies as st
from scipy import sparse

Array = np.ndarray
_folder = tempfile.TemporaryDirectory(prefix="skneural-fuzzing-", ignore_cleanup_errors=True)  # stays after a crash
FOLDER = Path(_folder.name)


# Values: (rng, shape) -> array.


def _sprinkled(value: Any, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Normal values, some of them replaced."""
    X = rng.standard_normal(shape)
    X[rng.random(shape) < 0.2] = value
    return X


def _scaled(factor: float, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.standard_normal(shape) * factor


def _magnitudes(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.standard_normal(shape) * 10.0 ** rng.integers(-300, 300, shape)


def _far_off(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.standard_normal(shape) + 1e6


def _dependent(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.tile(rng.standard_normal((shape[0], 1)), shape[1:])


def _correlated(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """The same numbers in all columns, and noise: in each column half as much as in the one before."""
    return _dependent(rng, shape) + rng.standard_normal(shape) * 0.1 * 0.5 ** np.arange(shape[1])


def _counts(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.integers(0, 4, shape).astype(float)


def _chosen(choices: list[Any], rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    pool = np.empty(len(choices), dtype=object)
    pool[:] = choices
    return pool[rng.integers(0, len(choices), shape)]


Values = Callable[[np.random.Generator, tuple[int, ...]], Array]

TAME: dict[str, Values] = {
    "normal": partial(_scaled, 1.0),
    "counts": _counts,
    "zeros": lambda rng, shape: np.zeros(shape),
    "constant": lambda rng, shape: np.full(shape, 3.7),
    "dependent": _dependent,
    "correlated": _correlated,
    "far off": _far_off,
}
WILD: dict[str, Values] = {
    "some NaN": partial(_sprinkled, np.nan),
    "all NaN": lambda rng, shape: np.full(shape, np.nan),
    "some infinite": partial(_sprinkled, np.inf),
    "some -infinite": partial(_sprinkled, -np.inf),
    "some enormous": partial(_sprinkled, 1e308),
    "some subnormal": partial(_sprinkled, 5e-324),
    "1e30": partial(_scaled, 1e30),
    "1e100": partial(_scaled, 1e100),
    "1e155": partial(_scaled, 1e155),
    "1e300": partial(_scaled, 1e300),
    "1e-40": partial(_scaled, 1e-40),
    "1e-200": partial(_scaled, 1e-200),
    "1e-320": partial(_scaled, 1e-320),
    "magnitudes": _magnitudes,
    "numbers as text": partial(_chosen, ["1.5", "2", "-3e2"]),
    "text": partial(_chosen, ["a", "", "ä", "nan", "1"]),
    "bytes": partial(_chosen, [b"a", b"1"]),
    "with None": partial(_chosen, [None, 1.0, 2.5]),
    "mixed objects": partial(_chosen, [1, "a", 2.5, None, True]),
    "nested": partial(_chosen, [[1, 2], (3,), {}]),
    "huge integers": partial(_chosen, [10**30, -(10**400), 1]),
    "complex": lambda rng, shape: rng.standard_normal(shape) + 1j,
    "dates": lambda rng, shape: rng.integers(0, 10**9, shape).astype("datetime64[s]"),
}
VALUES = TAME | WILD

DTYPES = ["f8", "f4", "f2", "i8", "i1", "u8", "u1", "?", "O", ">f8", ">f4", "g", "c16", "U", "S"]


# Containers: array of two dimensions -> the same numbers in another form.


def _padded(X: Array) -> Array:
    """Rows that are not next to each other in memory."""
    wide = np.zeros((X.shape[0], X.shape[1] * 2 + 1), dtype=X.dtype)
    wide[:, 1::2] = X
    return wide[:, 1::2]


def _read_only(X: Array) -> Array:
    X = X.copy()
    X.flags.writeable = False
    return X


def _misaligned(X: Array) -> Array:
    memory = np.zeros(X.nbytes + 1, dtype=np.uint8)[1:]
    Y = memory.view(X.dtype).reshape(X.shape) if X.nbytes else X.copy()
    Y[...] = X
    return Y


def _mapped(mode: str, X: Array) -> Array:
    path = FOLDER / f"{mode.strip('+')}.npy"
    path.unlink(missing_ok=True)
    np.save(path, X, allow_pickle=False)
    return np.load(path, mmap_mode=mode)


def _private_map(X: Array) -> Array:
    """A copy in memory that no file stands behind: pages that are given up come back as zeros."""
    kept = np.ndarray(X.shape, X.dtype, mmap.mmap(-1, max(X.nbytes, 1), access=mmap.ACCESS_COPY))
    kept[...] = X
    return kept


def _shuffled_csr(X: Array) -> Any:
    """CSR with the columns of each row in descending order."""
    S = sparse.csr_array(X)
    for i in range(S.shape[0]):
        row = slice(S.indptr[i], S.indptr[i + 1])
        S.indices[row], S.data[row] = S.indices[row][::-1].copy(), S.data[row][::-1].copy()
    return sparse.csr_array((S.data, S.indices, S.indptr), shape=S.shape)


def _duplicated_csr(X: Array) -> Any:
    """CSR with each entry stored as two halves."""
    S = sparse.csr_array(X)
    return sparse.csr_array((np.repeat(S.data / 2, 2), np.repeat(S.indices, 2), S.indptr * 2), shape=S.shape)


def _long_csr(X: Array) -> Any:
    S = sparse.csr_array(X)
    S.indices, S.indptr = S.indices.astype(np.int64), S.indptr.astype(np.int64)
    return S


def _strided_csr(X: Array) -> Any:
    """CSR whose entries and indices lie in every other place of longer arrays."""
    S = sparse.csr_array(X)
    S.data, S.indices = np.repeat(S.data, 2)[::2], np.repeat(S.indices, 2)[::2]
    S.data.base[1::2], S.indices.base[1::2] = 1e30, 10**9
    return S


def _explicit_zeros(X: Array) -> Any:
    n, d = X.shape
    return sparse.csr_matrix((X.ravel(), np.tile(np.arange(d), n), np.arange(n + 1) * d), shape=X.shape)


def _frozen_csr(X: Array) -> Any:
    S = _shuffled_csr(X)
    for part in (S.data, S.indices, S.indptr):
        part.flags.writeable = False
    return S


def _frame(columns: Callable[[int], list[Any]], X: Array) -> pd.DataFrame:
    return pd.DataFrame(X, columns=columns(X.shape[1]))


def _named(n: int) -> list[Any]:
    return [f"x{i}" for i in range(n)]


def _of_all_kinds(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with every fourth column as text, then as bools, as numbers with gaps, as a category."""
    kinds = [
        lambda column: column.round(0).astype(str).astype(object),
        lambda column: column > 0,
        lambda column: column.where(column > -1),
        lambda column: column.round(0).astype("category"),
    ]
    return pd.DataFrame({name: kinds[j % 4](frame[name]) for j, name in enumerate(frame.columns)})


FRAMES: dict[str, Callable[[Array], Any]] = {
    "frame": partial(_frame, _named),
    "frame in reverse": lambda X: _frame(_named, X[:, ::-1]).iloc[:, ::-1],
    "frame, numbered columns": partial(_frame, lambda n: list(range(n))),
    "frame, permuted names": partial(_frame, lambda n: _named(n)[::-1]),
    "frame, mixed names": partial(_frame, lambda n: [*_named(n)[1:], 0]),
    "frame, equal names": partial(_frame, lambda n: ["x"] * n),
    "frame, missing values": lambda X: _frame(_named, X).convert_dtypes(),
    "frame, categories": lambda X: _frame(_named, X).astype("category"),
    "frame, all kinds": lambda X: _of_all_kinds(_frame(_named, X)),
    "polars": lambda X: pl.DataFrame(X, schema=_named(X.shape[1])),
    "polars, all kinds": lambda X: pl.DataFrame(_of_all_kinds(_frame(_named, X)).to_dict("list"), strict=False),
}
SPARSE: dict[str, Callable[[Array], Any]] = {
    **{f"{f} array": getattr(sparse, f"{f}_array") for f in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")},
    **{f"{f} matrix": getattr(sparse, f"{f}_matrix") for f in ("csr", "csc", "coo")},
    "csr, shuffled": _shuffled_csr,
    "csr, duplicates": _duplicated_csr,
    "csr, 64-bit indices": _long_csr,
    "csr, strided": _strided_csr,
    "csr, explicit zeros": _explicit_zeros,
    "csr, read-only": _frozen_csr,
    "csc, explicit zeros": lambda X: sparse.csc_array(_explicit_zeros(X)),
}
DENSE: dict[str, Callable[[Array], Any]] = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "padded": _padded,
    "reversed": lambda X: np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1],
    "read-only": _read_only,
    "misaligned": _misaligned,
    "mapped": partial(_mapped, "r"),
    "mapped, copied on write": partial(_mapped, "c"),
    "private map": _private_map,
    "mapped, writeable": partial(_mapped, "r+"),
    "list": lambda X: X.tolist(),
    "list of tuples": lambda X: list(map(tuple, X.tolist())),
    "matrix": lambda X: np.asarray(X).view(np.matrix),
    "masked": lambda X: np.ma.masked_array(X, mask=np.zeros(X.shape, bool)),
}
CONTAINERS = DENSE | SPARSE | FRAMES
CATEGORICAL = {name for name in FRAMES if name.endswith(("categories", "all kinds"))}


@dataclass(frozen=True)
class Table:
    """A recipe for an array of two dimensions in some container."""

    n_rows: int
    n_columns: int
    values: str
    dtype: str
    container: str
    seed: int

    @property
    def tame(self) -> bool:
        """Whether any correct program can be asked for a result."""
        return self.values in TAME and self.dtype in ("f8", "f4", ">f8", ">f4")

    def plain(self) -> Array:
        """The numbers as an array of NumPy's."""
        rng = np.random.default_rng(self.seed)
        X = VALUES[self.values](rng, (self.n_rows, self.n_columns))
        return _if_possible(lambda X: X.astype(self.dtype), X)

    def twin(self) -> Array:
        """The same numbers as the most usual of arrays, in the precision that the container keeps."""
        return np.ascontiguousarray(self.plain(), "f4" if "4" in self.dtype and "list" not in self.container else "f8")

    def build(self) -> Any:
        """The numbers in their container; as an array, where the container cannot hold them."""
        return _if_possible(CONTAINERS[self.container], self.plain())


def _if_possible(change: Callable[[Array], Any], X: Array) -> Any:
    """Return X changed; as it is, where NumPy, SciPy or pandas refuse: what they say is not the question here."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return change(X)
        except Exception:
            return X


@dataclass(frozen=True)
class Literal:
    """Something that is no table, or not a usual one."""

    name: str
    tame = False

    def build(self) -> Any:
        """The thing itself, made anew."""
        return JUNK[self.name]()


JUNK: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "number": lambda: 3.0,
    "text": lambda: "text",
    "bytes": lambda: b"1234",
    "object": object,
    "type": lambda: int,
    "dict": lambda: {"a": [1, 2, 3]},
    "set": lambda: {1.0, 2.0},
    "generator": lambda: (i for i in range(3)),
    "empty list": list,
    "list of nothing": lambda: [[]],
    "ragged": lambda: [[1.0, 2.0], [3.0]],
    "no rows": lambda: np.empty((0, 3)),
    "no columns": lambda: np.empty((3, 0)),
    "vector": lambda: np.arange(6.0),
    "scalar array": lambda: np.array(1.0),
    "cube": lambda: np.zeros((4, 3, 2)),
    "structured": lambda: np.zeros(4, dtype=[("a", "f8"), ("b", "i4")]),
    "empty csr": lambda: sparse.csr_array((0, 3)),
    "csr that points outside": lambda: _broken_csr("indices"),
    "csr with starts outside": lambda: _broken_csr("indptr"),
    "csr with starts that fall": lambda: _broken_csr("indptr", -1),
    "series": lambda: pd.Series([1.0, 2.0, 3.0]),
    "masked": lambda: np.ma.masked_array(np.ones((4, 2)), mask=np.eye(4, 2, dtype=bool)),
    "sparse frame": lambda: pd.DataFrame.sparse.from_spmatrix(sparse.eye_array(4, 3).tocsr()),
    "dates": lambda: pd.date_range("2020", periods=4).to_frame(),
}


def _broken_csr(part: str, by: int = 2) -> Any:
    S = sparse.csr_array(np.eye(4, 3))
    broken = getattr(S, part).copy()
    broken[1:] += by * np.arange(1, len(broken)) ** 8
    setattr(S, part, broken)
    return S


MANY_ROWS = [420, 1030]  # for bins and components of numbers; for early stopping with one part of the rows
_n_rows = st.one_of(*[st.integers(1, 12)] * 4, st.sampled_from(MANY_ROWS))


def _tables(values: Any, dtypes: Any, containers: Any) -> Any:
    """Tables of drawn properties."""
    return st.builds(
        Table,
        _n_rows,
        st.integers(1, 5),
        st.sampled_from(sorted(values)),
        st.sampled_from(dtypes),
        st.sampled_from(sorted(containers)),
        st.integers(0, 2**16),
    )


dense_tables = _tables(TAME, ["f8", "f4"], DENSE | {"frame": FRAMES["frame"]})
sparse_tables = _tables(TAME, ["f8", "f4"], SPARSE)
frame_tables = _tables(TAME, ["f8", "f4"], FRAMES)
strange_tables = st.one_of(
    _tables(TAME, ["f8", "f4"], CONTAINERS),
    _tables(WILD, ["f8", "f4"], DENSE),
    _tables(WILD, ["f8", "f4"], DENSE),
    _tables(VALUES, DTYPES, CONTAINERS),
    st.sampled_from(sorted(JUNK)).map(Literal),
)
