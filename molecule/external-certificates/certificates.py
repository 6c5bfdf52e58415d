# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create the PEM files of a user in two folders: ``certificates.py FOLDER SECRET=HOST...``.

``FOLDER/first`` and ``FOLDER/second`` each have an authority of their own, per Secret a folder with tls.crt, tls.key
and ca.crt, and variables.json, which gives these files to the role as the README has it.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

from tests.unit.plugins.helpers.certificates import Authority


def lookup(file: Path) -> str:
    """Return how Ansible refers to the file."""
    return f"{{{{ lookup('ansible.builtin.file', '{file}') }}}}"


for generation in ("first", "second"):
    authority = Authority(f"company {generation}", life=timedelta(days=300))
    variables: dict[str, object] = {"conductor_certificates": "external"}
    pem: dict[str, dict[str, str]] = {}
    for secret, host in (pair.split("=") for pair in sys.argv[2:]):
        folder = Path(sys.argv[1], generation, secret)
        folder.mkdir(parents=True, exist_ok=True)
        pair = authority.server(secret, [host])
        for name, content in {"tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": authority.pem}.items():
            (folder / name).write_bytes(content)
        variables["conductor_certificates_ca"] = lookup(folder / "ca.crt")
        pem["jobset" if secret.startswith("jobset") else "trainer"] = {
            "certificate": lookup(folder / "tls.crt"),
            "key": lookup(folder / "tls.key"),
        }
    variables["conductor_certificates_pem"] = pem
    Path(sys.argv[1], generation, "variables.json").write_text(json.dumps(variables))
