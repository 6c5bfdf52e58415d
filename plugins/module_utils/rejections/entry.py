# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The type of the entries of the catalogue of rejections."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One kind of rejection and how to recognise it.

    Args:
        kind: a code.
        words: a regular expression; its named groups fill the placeholders of the texts.
        cause, next_step: texts. Besides the groups, C({what}) is the rejected thing, C({where}) its namespace,
            C({exempt}) asks for an exemption, C({flag}) is C(-n NAMESPACE), C({called}) is the server behind a webhook.
        if_given: the next step if nobody can change what was rejected: pods, or an object of a release; empty if it is
            the same.
        if_installed: the next step if these are pods of the controllers: an install creates what they need.
        lasting: whether only a change ends it, so that waiting does not help.
        admission: whether admission control rejected the request, and not the authorizer or the storage.
        within: kinds of which this is a special case: C(words) must match their C(detail).
        only: a regular expression for the C(name) of what rejected it, for a special case.
    """

    kind: str
    words: str
    cause: str
    next_step: str
    if_given: str = ""
    if_installed: str = ""
    lasting: bool = True
    admission: bool = False
    within: frozenset[str] = frozenset()
    only: str = ""


# Expressions that begin anywhere in a text are bounded, and begin where a word begins: a message may be of any size.
# A name, and a name in quotes, which the message of an event may escape.
NAME = r"(?P<name>[\w.-]+)"
QUOTED = r"\\*\"(?P<name>[^\"\\]*)\\*\""
# The path of a field, and a type of objects.
FIELD = r"(?<![\w.\[\]])(?P<field>[\w.\[\]]{1,200})"
TYPE = r"(?<![\w.-])(?P<type>[\w.-]{1,200})"
