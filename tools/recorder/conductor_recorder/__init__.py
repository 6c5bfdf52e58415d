# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records the objects that verdicts are about, version by version, while something happens to them on a real cluster.

What it writes becomes data of the unit tests (tests/unit/plugins/recorded). While an installation runs elsewhere:
``PYTHONPATH=tools/recorder .venv/bin/python -m conductor_recorder --context kind-conductor --seconds 60 FILE``.
"""
