# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record the versions of the objects that verdicts read, while they change on a real cluster.

The recordings are data of the unit tests (tests/unit/plugins/recorded). Run it during an installation:
``PYTHONPATH=tools/recorder .venv/bin/python -m conductor_recorder --context kind-conductor --seconds 60 FILE``.
"""
