# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create the Python environments and the collections path of the checkout, all inside the clone.

``python -m conductor_setup.setup [runtime|docs|test|evidence|lock]``: pip installs uv, and uv creates the environments.
"""

import argparse
import ast
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import NamedTuple


class Core(NamedTuple):
    """One release of ansible-core (``requirements/core-VERSION.txt``) and the Python it is tested with."""

    version: str
    python: str

    @property
    def name(self) -> str:
        """The name of its lock file, its environment and its suite."""
        return f"core-{self.version}"


# The first is the oldest that meta/runtime.yml allows, the last is the newest; every supported Python occurs.
_TESTED = {"2.16": "3.10", "2.17": "3.12", "2.18": "3.13", "2.19": "3.11", "2.20": "3.12", "2.21": "3.13"}
CORES = tuple(Core(*tested) for tested in _TESTED.items())
# The releases of `make test`; the whole matrix takes too long for every change.
EVERY_TIME = (CORES[0], CORES[-1])
# pip's name of a setting -> the variable that uv reads instead.
UV_VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "keyring-provider": "UV_KEYRING_PROVIDER",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
}
INDEX_ADVICE = "Is a Python package index reachable? pip's settings (PIP_INDEX_URL, pip.conf, proxies) apply."
# Collections paths of the clone: the usual one, and one with the oldest kubernetes.core that galaxy.yml allows.
COLLECTIONS = ".ansible/collections/ansible_collections"
OLDEST_COLLECTIONS = ".ansible/oldest/ansible_collections"
# The helper environments of `make test`, each from the lock file of the same name.
HELPERS = ("kubeflow-sdk", "runner", "checkers", "bastion", "docs")
# The oldest Python of each lock file, in this order: test.in is constrained by runtime.txt.
LOCKED_FOR = {
    **dict.fromkeys(("uv", "runtime", "test", *HELPERS, "mutation"), "3.11"),
    # The dependencies of the tested releases of ansible-core. The releases themselves are locked without dependencies,
    # except the oldest: it is tested with the oldest releases of its dependencies.
    "core": "3.10",
    CORES[0].name: "3.10",
}


class SetupError(Exception):
    """The setup cannot continue; the message contains the cause and the next step."""


def run(command: Sequence[str | Path], advice: str, environment: Mapping[str, str], timeout: float = 900) -> str:
    """Run ``command`` and return its output. Raise SetupError with the advice if it fails or is not done in time."""
    words, null = [str(word) for word in command], subprocess.DEVNULL
    try:
        return subprocess.run(
            words, env=environment, stdin=null, capture_output=True, text=True, timeout=timeout, check=True
        ).stdout
    except subprocess.CalledProcessError as error:
        tail = "\n".join((error.stdout + error.stderr).splitlines()[-25:])
        message = f"`{' '.join(words)}` failed with exit code {error.returncode}:\n{tail}\n{advice}"
        raise SetupError(message) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"cannot run {words[0]}: {error}\n{advice}") from error


def interpreter(version: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return a Python of this version (e.g. 3.12) that runs and can create environments, or None."""
    name = f"python{version}"
    home = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/")) / ".pyenv")
    # PATH, then pyenv's versions: its shims on PATH may have no interpreter.
    candidates = [Path(folder, name) for folder in environ.get("PATH", os.defpath).split(os.pathsep)]
    candidates += sorted(home.glob(f"versions/{version}.*/bin/{name}"), reverse=True)
    question = f"import ensurepip, sys, venv; raise SystemExit('{version}' != '{{}}.{{}}'.format(*sys.version_info))"
    for path in filter(Path.is_file, candidates):
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run([path, "-c", question], capture_output=True, timeout=30, check=True)
            return path
    return None


def digest(*parts: str | Path) -> str:
    """Return the SHA-256 (hex) of texts and of the contents of files."""
    total = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part.encode()
        # The length separates a part from the next one.
        total.update(f"{len(data)}:".encode() + data)
    return total.hexdigest()


def is_current(stamp: Path, key: str) -> bool:
    """Return whether the work for ``key`` was completed: its last step writes the key into ``stamp``."""
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == key


def pip_settings(listed: str) -> dict[str, str]:
    """Return the settings in the output of ``pip config list``, by their names in a configuration file."""
    found = re.findall(r"^(global|install|:env:)\.(.+?)=(.+)$", listed, re.MULTILINE)
    # As for pip: the section of a command overrides the global one, and the environment overrides both.
    found.sort(key=lambda row: ("global", "install", ":env:").index(row[0]))
    return {name.lstrip("."): str(ast.literal_eval(value)) for _section, name, value in found}


def uv_settings(listed: str) -> dict[str, str]:
    """Translate the output of ``pip config list`` into the variables that uv reads."""
    values = {UV_VARIABLES[name]: text.split() for name, text in pip_settings(listed).items() if name in UV_VARIABLES}
    return {name: ("," if name == "UV_FIND_LINKS" else " ").join(words) for name, words in values.items()}


class Setup:
    """The setup of one clone; ``CONDUCTOR_CACHE`` moves its cache (a relative path starts at the clone)."""

    def __init__(self, clone: Path, environ: Mapping[str, str] = os.environ) -> None:
        self.clone = clone.resolve()
        self.cache = self.clone / (environ.get("CONDUCTOR_CACHE") or ".cache")
        self.requirements = self.clone / "requirements"
        (self.cache / "tmp").mkdir(parents=True, exist_ok=True)
        own = {"PIP_CACHE_DIR": "pip", "UV_CACHE_DIR": "uv", "TMPDIR": "tmp"}
        fixed = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "UV_PYTHON_DOWNLOADS": "never"}
        # The default of a minute is too short for slow machines.
        fixed["UV_COMPILE_BYTECODE_TIMEOUT"] = "600"
        self.environ = {**environ, **fixed, **{name: str(self.cache / folder) for name, folder in own.items()}}

    @cached_property
    def programs(self) -> Path:
        """The folder of pip and of the pinned uv, in an environment below the cache that is created if missing."""
        locked = self.requirements / "uv.txt"
        key = digest(locked, sys.version, sys.base_prefix, str(self.cache))
        home = self.cache / "uv-environments" / key[:16]
        if not is_current(home / "stamp", key):
            print("setup: installing uv", flush=True)
            shutil.rmtree(home, ignore_errors=True)
            advice = "On Debian, install the package python3-venv; PYTHON=... selects another Python."
            run([sys.executable, "-m", "venv", home], advice, self.environ)
            run([home / "bin" / "pip", "install", "--require-hashes", "-r", locked], INDEX_ADVICE, self.environ)
            (home / "stamp").write_text(key, encoding="utf-8")
        return home / "bin"

    def uv(self, *words: str | Path) -> None:
        """Run uv with the settings of pip; uv's own variables override them."""
        settings = uv_settings(run([self.programs / "pip", "config", "list"], "", self.environ))
        # pip does not prefer one index to another; the hashes decide what is installed.
        settings.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
        run([self.programs / "uv", *words], INDEX_ADVICE, {**settings, **self.environ})

    def ensure(self, folder: str, *locks: str, python: str | Path = sys.executable) -> None:
        """Create or update the environment ``folder``: exactly the packages of the files ``requirements/LOCK.txt``.

        The lock files of an earlier, larger tier are included. Another interpreter or a moved clone recreates it.
        """
        venv = self.clone / folder
        basis = run((python, "-c", "import sys; print(sys.version, sys.base_prefix)"), "", self.environ)
        made = is_current(venv / ".conductor-basis", digest(basis, str(venv)))
        known = {path.name.removeprefix(".conductor-") for path in venv.glob(".conductor-*") if made}
        files = {lock: self.requirements / f"{lock}.txt" for lock in sorted({*locks, *known})}
        # Exclude the stamp of the environment itself, and lock files that no longer exist.
        keys = {lock: digest(path) for lock, path in files.items() if lock in locks or path.is_file()}
        if made and all(is_current(venv / f".conductor-{lock}", keys[lock]) for lock in locks):
            return
        started = time.monotonic()
        if not made:
            self.uv("venv", "--clear", "--no-project", "--python", python, venv)
            (venv / ".conductor-basis").write_text(digest(basis, str(venv)), encoding="utf-8")
        for lock in keys:
            (venv / f".conductor-{lock}").unlink(missing_ok=True)
        packages = [files[lock] for lock in keys]
        self.uv("pip", "sync", "--require-hashes", "--compile-bytecode", "--python", venv, *packages)
        for lock, key in keys.items():
            (venv / f".conductor-{lock}").write_text(key, encoding="utf-8")
        print(f"setup: {folder}: {', '.join(keys)} ({time.monotonic() - started:.1f} s)", flush=True)

    def ensure_core(self, core: Core) -> None:
        """Create the environment of a release of ansible-core; warn if its Python is missing."""
        if python := interpreter(core.python):
            locks = (core.name,) if core.name in LOCKED_FOR else ("core", core.name)
            self.ensure(f".venvs/{core.name}", *locks, python=python)
        else:
            print(f"setup: Python {core.python} is missing: the suite {core.name} cannot run", file=sys.stderr)

    def link_checkout(self) -> None:
        """Link the checkout into the collections path as ``conductor.trainer``; replace nothing but such a link."""
        link = self.clone / COLLECTIONS / "conductor" / "trainer"
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.exists() and not link.is_symlink():
            raise SetupError(f"{link} exists and is not a link to the checkout: remove it")
        link.unlink(missing_ok=True)
        # Relative, so that the clone can be moved.
        link.symlink_to(os.path.relpath(self.clone, link.parent))

    def ensure_kubernetes_core(self, lock: str, folder: str = COLLECTIONS) -> None:
        """Unpack kubernetes.core from the Python package ``ansible``, whose hash is locked; ask no Galaxy server."""
        locked, collections = self.requirements / f"{lock}.txt", self.clone / folder
        stamp, key = collections / ".conductor-kubernetes-core", digest(locked)
        if is_current(stamp, key):
            return
        shutil.rmtree(collections / "kubernetes", ignore_errors=True)
        downloads = self.cache / "downloads"
        # The wheel requires a newer Python than ours may be, but only one of its collections is used.
        options = ("--no-deps", "--require-hashes", "--only-binary=:all:", "--python-version", "3.13", "-r", locked)
        run((self.programs / "pip", "download", *options, "--dest", downloads), INDEX_ADVICE, self.environ)
        pin = locked.read_text(encoding="utf-8").partition("ansible==")[2].split()[0]
        with zipfile.ZipFile(downloads / f"ansible-{pin}-py3-none-any.whl") as archive:
            names = [name for name in archive.namelist() if name.startswith("ansible_collections/kubernetes/core/")]
            archive.extractall(collections.parent, members=names)
        stamp.write_text(key, encoding="utf-8")
        print(f"setup: kubernetes.core of ansible {pin}", flush=True)

    def lock(self, *options: str) -> None:
        """Lock ``requirements/*.in`` into ``requirements/*.txt``: versions and hashes for every supported Python."""
        others = {path.stem for path in self.requirements.glob("*.in")}.difference(LOCKED_FOR)
        fixed = ("--universal", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links")
        for name in (*LOCKED_FOR, *sorted(others)):
            print(f"locking requirements/{name}.txt", flush=True)
            # The others are one package each, whose dependencies are locked elsewhere or not required.
            limits = ("--python-version", LOCKED_FOR.get(name, "3.12"), *(("--no-deps",) if name in others else ()))
            files = ("-o", f"requirements/{name}.txt", f"requirements/{name}.in")
            header = ("--custom-compile-command", "tools/setup/lock")
            self.uv("--directory", self.clone, "pip", "compile", *fixed, *limits, *header, *options, *files)


def main() -> int:
    """Create what the tier needs; a second run finds nothing to do."""
    parser = argparse.ArgumentParser(prog="setup", description=__doc__)
    parser.add_argument("tier", choices=("runtime", "docs", "test", "evidence", "lock"), nargs="?", default="runtime")
    parser.add_argument("--upgrade", action="store_true", help="with lock: renew pins that still satisfy the .in file")
    arguments = parser.parse_args()
    tier, started = arguments.tier, time.monotonic()
    setup = Setup(Path(__file__).resolve().parents[3])
    try:
        # Two targets at once (`make install` beside `make lint`) take turns.
        with (setup.cache / "setup.lock").open("w", encoding="utf-8") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            if tier == "lock":
                setup.lock(*(("--upgrade",) if arguments.upgrade else ()))
                return 0
            whole = tier in ("test", "evidence")
            setup.ensure(".venv", *(("runtime", "test") if whole else ("runtime",)))
            setup.link_checkout()
            setup.ensure_kubernetes_core("kubernetes-core")
            for helper in {"runtime": (), "docs": ("docs",), "evidence": (*HELPERS, "mutation")}.get(tier, HELPERS):
                setup.ensure(f".venvs/{helper}", helper)
            if whole:
                setup.ensure_kubernetes_core("kubernetes-core-oldest", OLDEST_COLLECTIONS)
            for core in {"test": EVERY_TIME, "evidence": CORES}.get(tier, ()):
                setup.ensure_core(core)
    except SetupError as error:
        print(f"setup: {error}".rstrip(), file=sys.stderr)
        return 1
    print(f"setup: {tier} is ready in {setup.clone} ({time.monotonic() - started:.1f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
