"""Compile the kernels of ``lucid/_ext``; all other metadata is in ``pyproject.toml``.

Decided here:

* Without a working C compiler the install still succeeds. ``build.json``, written beside the
  kernels, records whether they were compiled and, if not, why; ``lucid/_ext/__init__.py`` reads
  it, so that the NumPy twins are only ever used knowingly.
* Kernels use threads where the compiler knows OpenMP; ``LUCID_OPENMP=0`` builds without.
* What was built is kept in ``build/kernels``, under a name made of what went into it: see
  ``fingerprint``. The next installation from the same sources and settings (with another extra,
  say) copies it. Keeping never fails a build: what cannot be kept or copied is built.

``LUCID_BOUNDSCHECK=1`` compiles a check of every memoryview index into the kernels (slow; for
developers).
"""

import contextlib
import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import Cython
import setuptools
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
KEPT = Path("build/kernels")
# What setuptools reads, and what the compilers read by themselves.
SETTINGS = (
    *("CC", "CFLAGS", "CPP", "CPPFLAGS", "LDFLAGS", "LDSHARED", "ARCHFLAGS"),
    *("CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX"),
    *("MACOSX_DEPLOYMENT_TARGET", "SDKROOT", "CL", "_CL_", "LINK", "_LINK_", "INCLUDE", "LIB"),
)


def fingerprint(options):
    """A name for what is built from these options of ``build_ext``.

    It changes with the sources, this file, the options, the settings above, and the versions of
    Python, Cython, setuptools and the compiler. What lies in the system's folders of headers and
    libraries is not read: after a change there, build with ``--force``.
    """
    parts = [path.name.encode() + path.read_bytes() for path in (Path("setup.py"), *SOURCES)]
    settings = [os.environ.get(name) for name in SETTINGS]
    versions = [sys.version, platform.platform(), Cython.__version__, setuptools.__version__]
    versions.append(compiler_version())
    parts.append(repr([WITHOUT_OPENMP, BOUNDS_CHECKS, options, settings, versions]).encode())
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def compiler_version():
    """What the compiler says of itself: another may have the same name. None: there is none."""
    command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cl")
    try:
        return subprocess.run([*command, "--version"], capture_output=True, check=False).stdout
    except OSError:
        return None


class BuildKernels(build_ext):
    """Build the kernels, and write down beside them how that went."""

    def run(self):
        """Take the kernels that were kept, or build them."""
        root = Path() if self.inplace else Path(self.build_lib)
        folder = root / "lucid" / "_ext"
        folder.mkdir(parents=True, exist_ok=True)
        options = [self.compiler, self.debug, self.define, self.undef, self.include_dirs]
        options += [self.libraries, self.library_dirs, self.rpath, self.link_objects]
        kept = KEPT / fingerprint(options)
        if self.force or not self.take(kept, folder):
            self.build(folder, kept)

    def files(self):
        """The names of what is built: the record, and one file for each extension."""
        names = [self.get_ext_filename(self.get_ext_fullname(ext.name)) for ext in self.extensions]
        return ["build.json", *(Path(name).name for name in names)]

    def take(self, kept, folder):
        """Copy what was kept, if all of it is there; whether it was."""
        try:
            for name in self.files():
                (folder / name).unlink(missing_ok=True)  # it may be in use: not written into
                shutil.copy2(kept / name, folder)
            os.utime(kept)  # the last that is thrown away
        except OSError:
            return False
        return True

    def build(self, folder, kept):
        """Build, write the record, and keep what is as good as it can get."""
        self.failure, self.openmp = None, False
        # The generated C is made anew each time: whether a file is out of date cannot be told from
        # its age once the bounds checks have been switched.
        made = cythonize(
            self.extensions, compiler_directives=DIRECTIVES, build_dir="build/cython", force=True
        )
        for ext, generated in zip(self.extensions, made, strict=True):
            ext.sources = generated.sources
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
            self.keep(folder, kept)

    def keep(self, folder, kept):
        """Copy what was built to where the next installation looks, beside the last three."""
        with contextlib.suppress(OSError):  # of another build, or a full disk: not kept
            KEPT.mkdir(parents=True, exist_ok=True)
            others = [path for path in KEPT.iterdir() if path.is_dir() and path != kept]
            for old in sorted(others, key=lambda path: path.stat().st_mtime)[:-3]:
                shutil.rmtree(old, ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=KEPT) as unfinished:
                whole = Path(unfinished) / "whole"
                whole.mkdir()
                for name in self.files():
                    shutil.copy2(folder / name, whole)
                shutil.rmtree(kept, ignore_errors=True)  # it was not whole, or built by force
                whole.rename(kept)  # at once: an interrupted copy never looks like a whole one

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

setup(ext_modules=kernels, cmdclass={"build_ext": BuildKernels})
