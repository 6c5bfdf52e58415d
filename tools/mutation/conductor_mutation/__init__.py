# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Breaks code on purpose, one small change after the other, and counts which of them the unit tests notice.

``make evidence`` does it for every target. One alone, once ``tools/setup/setup evidence`` has been run:
``PYTHONPATH=tools/mutation .venvs/mutation/bin/python -m conductor_mutation planner SESSION``. The session is a file of
cosmic-ray: ``.venvs/mutation/bin/cr-report --surviving-only --show-diff SESSION`` shows what survived.
"""
