# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bastion: an OpenSSH server on this machine, and a Python that has the Kubernetes client and no Ansible."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.namespaces import inside, words
from tests.support.playing import CLONE

PYTHON = CLONE / ".venvs" / "bastion" / "bin" / "python"
PACKAGES = ("openssh-server", "libwrap0")


@dataclass(frozen=True)
class Bastion:
    """A server that is up."""

    folder: Path
    port: int

    @property
    def home(self) -> Path:
        """Where those who log in are."""
        return self.folder / "home"

    @property
    def temporary(self) -> Path:
        """Where Ansible keeps its files there."""
        return self.home / "ansible"

    @property
    def options(self) -> list[str]:
        """What ssh needs to be told: nothing of the caller's own settings counts."""
        return [
            *("-F", "/dev/null"),
            *("-o", f"UserKnownHostsFile={self.folder / 'known_hosts'}"),
            *("-o", "StrictHostKeyChecking=yes"),
            *("-o", "IdentitiesOnly=yes"),
            # One a second: the server may still be starting.
            *("-o", "ConnectionAttempts=30"),
        ]

    @property
    def variables(self) -> dict[str, Any]:
        """What an inventory says of it."""
        return {
            "ansible_connection": "ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": getpass.getuser(),
            "ansible_ssh_private_key_file": str(self.folder / "user"),
            # Connections are shared as they are by default, but do not outlive the test for long.
            "ansible_ssh_args": words(*self.options, "-o", "ControlMaster=auto", "-o", "ControlPersist=5s"),
            "ansible_remote_tmp": str(self.temporary),
            "ansible_python_interpreter": str(PYTHON),
        }

    def run(self, command: str, stdin: str = "") -> str:
        """Runs a shell command there; its output."""
        login = ["-p", str(self.port), "-i", str(self.folder / "user"), f"{getpass.getuser()}@127.0.0.1"]
        done = subprocess.run(
            ["ssh", *self.options, *login, command],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def bastion(folder: Path) -> Iterator[Bastion]:
    """A server with keys of its own, ended in the end."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    found = Bastion(folder, port)
    found.home.mkdir()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "user.pub",
        "PasswordAuthentication": "no",
        # The folder above may be anybody's: a temporary one.
        "StrictModes": "no",
        "UsePAM": "no",
        "PidFile": "none",
        "Subsystem": "sftp internal-sftp",
    }
    (folder / "config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    program, libraries = _server()
    command = [
        *inside(*_accounts(found)),
        *("env", "-i", f"PATH={os.defpath}", f"LD_LIBRARY_PATH={libraries}"),
        *(str(program), "-D", "-e", "-f", str(folder / "config")),
    ]
    log = folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=stream)
    try:
        found.run("true")
        yield found
    except BaseException:
        print(log.read_text())
        raise
    finally:
        process.terminate()
        process.wait()


def _accounts(found: Bastion) -> list[str]:
    """Shell commands for what sshd wants to find as root: its own account and folder; and a home for who logs in."""
    if os.geteuid() != 0:
        return []
    return [
        "mkdir -p /run/sshd",
        words("printf", "%s\\n", f"root:x:0:0::{found.home}:/bin/sh", "sshd:x:65533:65534::/run/sshd:/bin/false")
        + " >/run/passwd",
        "mount --bind /run/passwd /etc/passwd",
    ]


def _server() -> tuple[Path, Path]:
    """The program sshd and a folder with libraries it may need: this machine's, else out of Debian's packages.

    Packages are only unpacked into the cache: installing them would start a server for everybody.
    """
    here = shutil.which("sshd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if here:
        return Path(here), Path("/nonexistent")
    folder = Path(os.environ.get("CONDUCTOR_CACHE") or CLONE / ".cache").resolve() / "sshd"
    root = folder / "root"
    if not (root / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        root.mkdir(parents=True)
        subprocess.run(["apt-get", "download", *PACKAGES], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, root], check=True)
        (root / "complete").touch()
    return root / "usr" / "sbin" / "sshd", next(root.glob("usr/lib/*/libwrap.so.0")).parent
