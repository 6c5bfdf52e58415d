# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of Sphinx for the documentation site."""

project = "Conductor"
copyright = "Conductor contributors"  # noqa: A001  (Sphinx's name)
html_title = "Conductor"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
myst_heading_anchors = 3
default_role = "any"
highlight_language = "text"
pygments_style = "ansible"
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["conductor.css"]
# Commands contain "--", which would become a dash.
smartquotes = False
html_show_sphinx = False
html_copy_source = False
html_use_index = False
html_theme_options: dict[str, list[str]] = {"footer_icons": []}
