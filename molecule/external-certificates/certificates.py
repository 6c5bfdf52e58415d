# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the PEM files a user would bring, in two folders: ``certificates.py FOLDER SECRET=HOST...``.

``FOLDER/first`` and ``FOLDER/second`` each have an authority of their own, and per Secret a folder with tls.crt,
tls.key and ca.crt.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from tests.unit.plugins.certificates import Authority

for generation in ("first", "second"):
    authority = Authority(f"company {generation}", life=timedelta(days=300))
    for secret, host in (pair.split("=") for pair in sys.argv[2:]):
        folder = Path(sys.argv[1], generation, secret)
        folder.mkdir(parents=True, exist_ok=True)
        pair = authority.server(secret, [host])
        for name, content in {"tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": authority.pem}.items():
            (folder / name).write_bytes(content)
