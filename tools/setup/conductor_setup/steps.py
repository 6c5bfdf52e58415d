# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps: a line with the elapsed time for each, and commands whose output is shown only when they fail."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


class SetupError(Exception):
    """The setup cannot go on; the text says what happened and what to try next."""


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say what begins, and how many seconds it took once it is done."""
    print(f"setup: {text} ...", flush=True)
    started = time.monotonic()
    yield
    print(f"setup: {text}: done in {time.monotonic() - started:.1f} s", flush=True)


def run(command: Sequence[str | Path], advice: str, environment: Mapping[str, str], timeout: float = 900) -> None:
    """Run ``command``, at most ``timeout`` seconds.

    Raises:
        SetupError: it could not be started, failed or took too long; with the end of its output and ``advice``.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
    except OSError as error:
        raise SetupError(f"cannot start {words[0]}: {error}\n{advice}") from error
    except subprocess.TimeoutExpired as error:
        raise SetupError(f"`{' '.join(words)}` gave up after {timeout:.0f} s\n{advice}") from error
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-25:])
        raise SetupError(f"`{' '.join(words)}` failed with exit code {done.returncode}:\n{tail}\n{advice}")
