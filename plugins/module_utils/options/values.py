# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reject values that no option can have: what JSON or the install record cannot hold, and passwords. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import InputError
from ..objects.digest import canonical
from ..objects.documents import DocumentError, json_types
from ..ownership.record import is_too_deep
from ..passwords import passwords_in
from .spec import CONTROLLERS, CUSTOMIZE

_OBJECTS = "extra_objects"
# The record is one ConfigMap, which has room for 1 MiB.
_MOST_BYTES = 512 * 1024


def check_values(options: Mapping[str, Any]) -> None:
    """Fail if an option has a value that cannot be sent, or a password that others could read.

    Raises:
        InputError: names the variable. The message does not show the value.
    """
    for name, value in _single(options):
        try:
            json.dumps(json_types(value), ensure_ascii=False).encode()
        except DocumentError as error:
            raise InputError(f"`conductor_{name}` cannot be sent as JSON: {error}", next_step="correct it") from None
        except ValueError:
            raise InputError(
                f"`conductor_{name}` has half a character, or a number that is too large", next_step="correct it"
            ) from None
        if name == _OBJECTS or CUSTOMIZE.get(name, {}).get("no_log"):
            # The install record has digests of them.
            continue
        for place, _password in passwords_in(value, f"conductor_{name}"):
            raise InputError(
                f"`{place}` has a password, which everybody who may read Deployments or the install record could read",
                next_step="write it into a Secret, e.g. of `conductor_extra_objects`, and refer to it with valueFrom: "
                "{secretKeyRef: ...} in env; in a URL, $(NAME) stands for the value of such a variable",
            )


def _single(options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each option, those of one controller as C(trainer_controller.env)."""
    for name, value in options.items():
        if name in CONTROLLERS.values():
            yield from ((f"{name}.{own}", part) for own, part in value.items())
        else:
            yield name, value


def check_recordable(recorded: Mapping[str, Any]) -> None:
    """Fail if the install record cannot hold options, because it could not be read afterwards.

    Args:
        recorded: the options as they are recorded.

    Raises:
        InputError: names the variable.
    """
    for name, value in recorded.items():
        if is_too_deep({name: value}):
            raise InputError(
                f"`conductor_{name}` is nested more deeply than the install record can hold",
                next_step="write it with fewer levels",
            )
    sizes = {name: len(canonical(value)) for name, value in recorded.items()}
    if sum(sizes.values()) > _MOST_BYTES:
        raise InputError(
            f"the options are {sum(sizes.values()) // 1024} KiB, and the install record has room for "
            f"{_MOST_BYTES // 1024} KiB of them; the largest is `conductor_{max(sizes, key=lambda name: sizes[name])}`",
            next_step="shorten it; objects of your own can also be applied by a task of your playbook",
        )
