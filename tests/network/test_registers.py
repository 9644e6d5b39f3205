"""The kernels in C against plain loops, without Python: on this processor and on an emulated 64-bit ARM."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from skneural.backend import EXTENSIONS, built_extension

ROOT = Path(__file__).parents[2]
SOURCE = Path(__file__).parent / "kernels" / "check.c"
INCLUDED = ["kernels", "../../skneural/network/kernels"]
EXTENSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["ext-modules"][0]
COMPARED = {
    "gemm, float",
    "gemm, double",
    "activations",
    "losses",
    "dropout",
    "batch normalisation",
    "maxout",
    "networks",
}

pytestmark = pytest.mark.skipif(
    not all(map(built_extension, EXTENSIONS)), reason="the package was installed without a compiler"
)

CC = next(filter(shutil.which, ("cc", "gcc", "clang")), "")
ARM_TOOLS = ["aarch64-linux-gnu-gcc", "aarch64-linux-gnu-objdump"]
QEMU = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
ARM_LIBRARIES = "/usr/aarch64-linux-gnu"

needs_compiler = pytest.mark.skipif(not CC, reason="needs a C compiler: cc, gcc or clang")
needs_arm_tools = pytest.mark.skipif(
    not all(map(shutil.which, ARM_TOOLS)), reason=f"needs {' and '.join(ARM_TOOLS)} (Debian: gcc-aarch64-linux-gnu)"
)
needs_qemu = pytest.mark.skipif(not QEMU, reason="needs qemu-aarch64 (Debian: qemu-user-static)")


def compiled(compiler, folder, *options):
    """Return the program, compiled as the extension module is."""
    program, included = folder / "check", [f"-I{SOURCE.parents[1] / path}" for path in INCLUDED]
    flags = ["-Wall", "-Wextra", "-Wno-unused-function", *EXTENSION["extra-compile-args"], *options]
    subprocess.run([compiler, *flags, *included, SOURCE, "-o", program, "-lm"], check=True)
    return program


def compared(*command):
    """Run the program; return its first line, and what it found equal."""
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    first, *others = finished.stdout.splitlines()
    return first, {re.sub(r": \d+ numbers agree$", "", line) for line in others}


@needs_compiler
def test_kernels_agree_with_plain_loops(tmp_path):
    assert compared(compiled(CC, tmp_path))[1] == COMPARED


@needs_compiler
def test_kernels_without_wide_registers_agree_with_plain_loops(tmp_path):
    assert compared(compiled(CC, tmp_path, "-DSKNEURAL_PLAIN")) == ("registers: plain", COMPARED)


@pytest.fixture(scope="module")
def arm_program(tmp_path_factory):
    return compiled(ARM_TOOLS[0], tmp_path_factory.mktemp("arm"))


@needs_arm_tools
@needs_qemu
def test_kernels_agree_with_plain_loops_on_64_bit_arm(arm_program):
    assert compared(QEMU, "-L", ARM_LIBRARIES, arm_program) == ("registers of 16 bytes: used", COMPARED)


@needs_arm_tools
@pytest.mark.parametrize(("real", "entries"), [("float", ".4s"), ("double", ".2d")])
def test_sums_of_a_product_stay_in_registers_on_64_bit_arm(real, entries, arm_program):
    # The compiler decides whether the first of them becomes a part of the second.
    lines = disassembly(arm_program, [f"gemm_panel_{real}", f"own_gemm_{real}"])
    largest = max(innermost_loops(lines), key=lambda loop: sum("fmla" in line for line in loop))
    assert sum("fmla" in line and entries in line for line in largest) == 6 * 4  # 6 rows of 4 registers
    assert len(largest) <= 40  # with 10 loads
    assert not any("[sp" in line for line in largest)  # no sum is saved in memory on the way


def disassembly(program, functions):
    """Return the instructions of those of the functions that there are, as pairs of address and text."""
    command = [ARM_TOOLS[1], "-d", "--no-show-raw-insn", program]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    bodies = re.findall(rf"<(?:{'|'.join(functions)})[^>]*>:\n(.*?)\n\n", text, re.DOTALL)
    assert bodies, f"none of the functions {functions}"
    return [line for body in bodies for line in re.findall(r"^ +([0-9a-f]+):\t(.*)$", body, re.MULTILINE)]


def innermost_loops(instructions):
    """Yield the instructions between a conditional branch back and its target, where there is no other branch."""
    position = {address: i for i, (address, _) in enumerate(instructions)}
    for i, (_, text) in enumerate(instructions):
        branch = re.match(r"(?:b\.\w+|cbn?z\t\w+,)\s+([0-9a-f]+)", text)
        start = position.get(branch[1], i) if branch else i
        loop = [text for _, text in instructions[start:i]]
        if start < i and not any(re.match(r"(b|cbn?z|tbn?z|ret)\b", text) for text in loop):
            yield loop
