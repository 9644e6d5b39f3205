"""The same uses, guided by coverage: libFuzzer mutates the bytes they are drawn from, and keeps those that reach more.

    pip install atheris
    python tests/fuzzing/guided.py -runs=20000 -seed=1 -len_control=0 -max_len=400 [folder for what reaches more]

Every branch of the package's Python is counted. A use after which something does not hold ends the run.
"""

import contextlib
import io
import random
import sys
import time

import atheris

with atheris.instrument_imports(include=["skneural"]):
    import skneural  # noqa: F401

from cases import cases
from hypothesis import HealthCheck, given, settings
from invariants import check

ends = dict[str, int]()
TAIL = random.Random(0).randbytes(4096)  # so that no use lacks the bytes for its last decisions


@settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(cases())
def draw(case):
    """Check one use and count how it ended."""
    with contextlib.redirect_stdout(io.StringIO()):
        end = check(case)
    ends[end] = ends.get(end, 0) + 1


def one(data):
    """Draw a use from bytes, and say from time to time what there was."""
    draw.hypothesis.fuzz_one_input(data + TAIL)
    count = sum(ends.values())
    if count % 500 == 0 and count not in said:
        said.add(count)
        print(f"{count} uses in {time.perf_counter() - start:.0f} s: {ends}", flush=True)


said, start = {0}, time.perf_counter()
if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
