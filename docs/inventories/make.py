"""Write the inventories of ``python.txt`` and ``numpy.txt``: see README.md in this folder."""

import zlib
from pathlib import Path

HERE = Path(__file__).parent


def inventory(text: str) -> bytes:
    """The lines ``role name page`` as an inventory in Sphinx's format 2.

    A head of four lines, then, compressed, a line per name: name, domain:role, priority, page, and
    the name to show ("-": the same).
    """
    entries = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    body = "".join(f"{name} {role} 1 {page} -\n" for role, name, page in entries)
    head = "# Sphinx inventory version 2\n# Project: {}\n# Version: {}\n"
    note = "# The remainder of this file is compressed using zlib.\n"
    project = text.splitlines()[0].removeprefix("# ")
    return (head.format(project, "") + note).encode() + zlib.compress(body.encode(), 9)


if __name__ == "__main__":
    for source in sorted(HERE.glob("*.txt")):
        source.with_suffix(".inv").write_bytes(inventory(source.read_text(encoding="utf-8")))
