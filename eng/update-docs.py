#!/usr/bin/env python3
"""Copies regions of compiled files into the documents that show them. A test fails when a document is behind."""
import pathlib
import re
import textwrap

root = pathlib.Path(__file__).resolve().parent.parent


def region(path, name):
    lines = (root / path).read_text().split("\n")
    start = next(i for i, line in enumerate(lines) if line.strip() == f"#region {name}") + 1
    end = next(i for i in range(start, len(lines)) if lines[i].strip() == "#endregion")
    return textwrap.dedent("\n".join(lines[start:end])).strip("\n")


for document in [*root.glob("*.md"), *(root / "docs").glob("*.md")]:
    text = document.read_text()
    updated = re.sub(
        r"<!-- (\S+?)#(\S+) -->\n```csharp\n.*?```",
        lambda m: f"<!-- {m[1]}#{m[2]} -->\n```csharp\n{region(m[1], m[2])}\n```",
        text, flags=re.S)
    if updated != text:
        document.write_text(updated)
        print(document.relative_to(root))
