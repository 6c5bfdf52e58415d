# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ``ansible-test`` where only a package index can be reached, with all it writes below one folder.

It would fetch pip's own installer from a server of the Ansible project; a script of ours takes its place. It hands
nothing of the environment on to pip, so pip's settings go into a file. And it wants a real folder
``ansible_collections/NAMESPACE/NAME``, not a link.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from conductor_setup.setup import pip_settings as settings_of_pip

# Seconds; a first run makes a dozen environments.
LIMIT = 2400

GET_PIP = """\
# Stands in for https://bootstrap.pypa.io/get-pip.py: the arguments are requirements and options of that script alone.
import subprocess
import sys

if __name__ == "__main__":
    wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
    subprocess.check_call([sys.executable, "-m", "ensurepip"])
    subprocess.check_call([sys.executable, "-m", "pip", "install"] + wanted)
"""


@dataclass(frozen=True)
class Ran:
    """The end of one run."""

    code: int
    output: str
    seconds: float

    @property
    def sanity(self) -> list[str]:
        """The sanity tests that ran, e.g. C(pylint) or C(compile on Python 3.13)."""
        started = re.findall(r'^Running sanity test "([^"]+)"( on Python [\d.]+)?', self.output, re.MULTILINE)
        return [name + where for name, where in started]

    @property
    def left_out(self) -> list[str]:
        """What it says that it did not run, and why."""
        return re.findall(r"^WARNING: (Skipping .*)$", self.output, re.MULTILINE)


@dataclass(frozen=True)
class AnsibleTest:
    """The ``ansible-test`` of one environment.

    Args:
        venv: the environment with that release of ansible-core.
        home: what it keeps from run to run: environments for its own tests. Only one run at a time uses it.
        pythons: other interpreters for tests that run on several.
        pip_settings: lines for pip's configuration file.
    """

    venv: Path
    home: Path
    pythons: tuple[Path, ...] = ()
    pip_settings: tuple[str, ...] = ()
    limit: float = field(default=LIMIT)

    def run(self, collection: Path, *words: str) -> Ran:
        """Run one command in the folder of the collection.

        Raises:
            RuntimeError: it cannot be started or does not end in time.
        """
        with self._prepared():
            started = time.monotonic()
            command = [str(self.venv / "bin" / "ansible-test"), *words, "--local", "--color", "no"]
            try:
                done = subprocess.run(
                    command,
                    cwd=collection,
                    env=self._variables(os.environ),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    timeout=self.limit,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise RuntimeError(f"cannot run {command[0]}: {error}\nNext: tools/setup/setup test") from error
            return Ran(done.returncode, done.stdout, time.monotonic() - started)

    @contextmanager
    def _prepared(self) -> Iterator[None]:
        cache = self.home / ".ansible" / "test" / "cache"
        settings = self.home / ".config" / "pip" / "pip.conf"
        for folder in (cache, settings.parent, self.home / "tmp"):
            folder.mkdir(parents=True, exist_ok=True)
        # Another clone may share the cache.
        with (self.home / "lock").open("w", encoding="utf-8") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            for version in self._pip_versions():
                (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP, encoding="utf-8")
            # It may name an index with a password.
            settings.touch(mode=0o600)
            settings.write_text("\n".join(["[global]", *self.pip_settings, ""]), encoding="utf-8")
            yield

    def _pip_versions(self) -> Iterable[str]:
        """The releases of pip that this ansible-test wants to install."""
        (source,) = self.venv.glob("lib/python3*/site-packages/ansible_test/_internal/python_requirements.py")
        return set(re.findall(r"\bpip='([\d.]+)'", source.read_text(encoding="utf-8")))

    def _variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        # Real interpreters first: those that a version manager puts on the PATH may lead nowhere.
        folders = [self.venv / "bin", *(python.parent for python in self.pythons)]
        path = os.pathsep.join([*map(str, folders), environ.get("PATH", os.defpath)])
        return {"HOME": str(self.home), "PATH": path, "LANG": "C.UTF-8", "TMPDIR": str(self.home / "tmp")}


def pip_settings(pip: Path, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the settings of the user's pip, from files and environment, as lines of a configuration file."""
    listed = subprocess.run(
        [pip, "config", "list"], env=dict(environ), stdout=subprocess.PIPE, text=True, timeout=60, check=True
    ).stdout
    return tuple(f"{name} = {' '.join(value.split())}" for name, value in settings_of_pip(listed).items())


def stage(installed: Path, tests: Path, root: Path) -> Path:
    """Lay out a collections path for ansible-test in ``root``: an installed artifact, its unit tests, its dependency.

    Args:
        installed: the ``ansible_collections`` folder of an installation.
        tests: the ``tests`` folder of the clone; of it the collection's own unit tests are taken.
        root: an empty folder.

    Returns:
        The folder of the collection.
    """
    ignored = shutil.ignore_patterns("__pycache__", "output")
    target = root / "ansible_collections"
    for name in ("conductor/trainer", "kubernetes/core"):
        shutil.copytree(installed / name, target / name, ignore=ignored)
    collection = target / "conductor" / "trainer"
    shutil.copytree(tests / "unit" / "plugins", collection / "tests" / "unit" / "plugins", ignore=ignored)
    # ansible-test asks git which files there are. Within a clone that ignores this folder there would be none.
    subprocess.run(["git", "init", "--quiet", str(collection)], check=True)
    return collection


def counts(collection: Path) -> tuple[int, list[str], int]:
    """What the unit tests of the last run came to: how many passed, which were skipped, how many failed."""
    passed, skipped, failed = 0, [], 0
    for file in sorted((collection / "tests" / "output" / "junit").glob("python*-units.xml")):
        # Written by the run itself a moment ago, hence trusted.
        for case in ET.parse(file).iter("testcase"):  # noqa: S314
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif case.find("skipped") is not None:
                skipped.append(str(case.get("name")))
            else:
                passed += 1
    return passed, skipped, failed
