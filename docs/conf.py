"""Sphinx: the pages of this folder as a site, by `make docs`."""

from __future__ import annotations

project = "bsg-campaigns"
extensions = ["myst_parser", "sphinxcontrib.mermaid"]
source_suffix = {".md": "markdown"}
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "bsg-campaigns"
# Pages link to files of the repository, which a site does not have.
suppress_warnings = ["myst.xref_missing", "myst.header"]
