"""Compile the kernels of ``lucid/_ext``; all other metadata is in ``pyproject.toml``.

Decided here:

* Without a working C compiler the install still succeeds. ``build.json``, written beside the
  kernels, records whether they were compiled and, if not, why; ``lucid/_ext/__init__.py`` reads
  it, so that the NumPy twins are only ever used knowingly.
* Kernels use threads where the compiler knows OpenMP; ``LUCID_OPENMP=0`` builds without.
* What was built is kept in ``build/kernels``, under a name made of all that went into it. The next
  installation from the same sources and settings (with another extra, say) copies it.

``LUCID_BOUNDSCHECK=1`` compiles a check of every memoryview index into the kernels (slow; for
developers).
"""

import hashlib
import json
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

import Cython
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

WITHOUT_OPENMP = os.environ.get("LUCID_OPENMP", "1") in ("", "0")
BOUNDS_CHECKS = os.environ.get("LUCID_BOUNDSCHECK", "0") not in ("", "0")

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": BOUNDS_CHECKS,
    "initializedcheck": BOUNDS_CHECKS,
    "wraparound": False,
    "cdivision": True,
    "binding": True,
}

# No -march=native: one build runs on every machine of its architecture.
# Flags of the developer's own, in CFLAGS, come first: they may ask for another optimization.
OWN_LEVEL = "-O" in os.environ.get("CFLAGS", "")
COMPILE_ARGS = [] if sys.platform == "win32" or OWN_LEVEL else ["-O3"]
if sys.platform != "win32":
    # Nobody reads errno or the floating-point flags after a kernel; without these two, a loop with
    # a square root or a comparison is not vectorized. They change no result.
    COMPILE_ARGS += ["-fno-math-errno", "-fno-trapping-math"]


SOURCES = sorted(p for p in Path("lucid/_ext").iterdir() if p.suffix in (".pyx", ".pxd", ".h"))
SETTINGS = ("CC", "CFLAGS", "CPPFLAGS", "LDFLAGS", "LDSHARED", "ARCHFLAGS")


def fingerprint():
    """A name for what is built: no source, setting or version can change without changing it."""
    parts = [path.name.encode() + path.read_bytes() for path in (Path("setup.py"), *SOURCES)]
    settings = [os.environ.get(name) for name in SETTINGS]
    versions = [sys.version, platform.platform(), Cython.__version__]
    parts.append(repr([WITHOUT_OPENMP, BOUNDS_CHECKS, settings, versions]).encode())
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


KEPT = Path("build/kernels") / fingerprint()


class BuildKernels(build_ext):
    """Build the kernels, and write down beside them how that went."""

    def run(self):
        """Take the kernels that were kept, or build them."""
        root = Path() if self.inplace else Path(self.build_lib)
        folder = root / "lucid" / "_ext"
        folder.mkdir(parents=True, exist_ok=True)
        if KEPT.is_dir():
            for file in KEPT.iterdir():
                (folder / file.name).unlink(missing_ok=True)  # it may be in use: not written into
                shutil.copy2(file, folder)
        else:
            self.build(folder)

    def build(self, folder):
        """Build, write the record, and keep what is as good as it can get."""
        self.failure, self.openmp = None, False
        super().run()
        report = {
            "compiled": self.failure is None,
            "failure": self.failure,
            "openmp": self.openmp,
            "bounds_checks": BOUNDS_CHECKS,
            "python": platform.python_version(),
        }
        (folder / "build.json").write_text(json.dumps(report, indent=2) + "\n")
        if self.failure is None and (self.openmp or WITHOUT_OPENMP):
            self.keep(folder)

    def keep(self, folder):
        """Copy what was built to where the next installation looks, beside the last three."""
        others = [path for path in KEPT.parent.glob("*") if path != KEPT]
        for old in sorted(others, key=lambda path: path.stat().st_mtime)[:-3]:
            shutil.rmtree(old)
        unfinished = KEPT.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        names = [
            Path(self.get_ext_filename(self.get_ext_fullname(e.name))) for e in self.extensions
        ]
        for name in ("build.json", *(path.name for path in names)):
            shutil.copy2(folder / name, unfinished)
        unfinished.rename(KEPT)  # at once: an interrupted copy is never taken for a whole one

    def build_extensions(self):
        """Build all kernel files, with threads if there is OpenMP."""
        flag = "/openmp" if self.compiler.compiler_type == "msvc" else "-fopenmp"
        if not WITHOUT_OPENMP and self.links_with(flag):
            self.openmp = True
            for ext in self.extensions:
                ext.extra_compile_args.append(flag)
                ext.extra_link_args.append(flag)
        self.parallel = self.parallel or os.cpu_count()  # compilers at a time
        super().build_extensions()

    def links_with(self, flag):
        """Whether a program that uses OpenMP can be built with this flag."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "openmp.c"
            source.write_text(
                "#include <omp.h>\nint main(void) { return omp_get_max_threads(); }\n"
            )
            try:
                objects = self.compiler.compile([str(source)], folder, extra_postargs=[flag])
                self.compiler.link_executable(objects, "openmp", folder, extra_postargs=[flag])
            except (BaseError, CCompilerError, OSError):
                return False
        return True

    def build_extension(self, ext):
        """Build one kernel file; a failure is written down, and the installation goes on."""
        try:
            super().build_extension(ext)
        except (BaseError, CCompilerError, OSError) as error:  # OSError: there is no compiler
            ext.optional = True  # what was not compiled need not be copied
            self.failure = f"{type(error).__name__}: {error}"
            self.warn(f"{ext.name} was not compiled, its NumPy twin will run: {self.failure}")


HEADERS = [str(path) for path in SOURCES if path.suffix != ".pyx"]

kernels = [
    Extension(
        f"lucid._ext.{path.stem}",
        [str(path)],
        depends=HEADERS,
        include_dirs=["lucid/_ext"],
        extra_compile_args=list(COMPILE_ARGS),
    )
    for path in SOURCES
    if path.suffix == ".pyx"
]
if not KEPT.is_dir():
    # The generated C is made anew each time: whether a file is out of date cannot be told from its
    # age once the bounds checks have been switched.
    kernels = cythonize(
        kernels, compiler_directives=DIRECTIVES, build_dir="build/cython", force=True
    )

setup(ext_modules=kernels, cmdclass={"build_ext": BuildKernels})
