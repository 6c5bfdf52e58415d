# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from bundle_generator.bundle import assemble
from bundle_generator.documents import GenerateError
from bundle_generator.release import Release

RELEASE = Release(
    release="1.0.0",
    namespace="n",
    probe_namespace="p",
    kubernetes_minimum="1.31",
    components={},
    profiles={},
    configured={},
    runtimes="",
    probes="",
    differences="",
    bundle="",
)


def webhooks(policy: str = "Fail", **client: Any) -> dict[str, Any]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "v"},
        "webhooks": [{"name": "w.example", "failurePolicy": policy, "clientConfig": {"service": {}, **client}}],
    }


def secret(**more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "type": "Opaque", **more}


PROBE = {"webhook": "w.example"}


def test_profiles_hold_what_they_replace() -> None:
    profiles = {"default": [secret(), webhooks()], "fail_open": [webhooks("Ignore"), secret()]}
    bundle = assemble(RELEASE, profiles, [], [PROBE], {}, [])
    assert bundle["profiles"] == {"default": [], "fail_open": [webhooks("Ignore")]}
    assert [len(phase["objects"]) for phase in bundle["phases"]] == [0, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (secret(data={}), "has data"),
        (secret(stringData={"a": "b"}), "has data"),
        (webhooks(caBundle="Zm9v"), "caBundle"),
        ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bare"}}, "bare sets no field"),
    ],
)
def test_what_would_do_harm_when_applied_is_refused(odd: dict[str, Any], why: str) -> None:
    with pytest.raises(GenerateError, match=why):
        assemble(RELEASE, {"default": [odd]}, [], [PROBE] if "webhooks" in odd else [], {}, [])


def test_webhooks_and_probes_must_match() -> None:
    with pytest.raises(GenerateError, match=r"w\.example"):
        assemble(RELEASE, {"default": [webhooks()]}, [], [], {}, [])
    with pytest.raises(GenerateError, match=r"other\.example"):
        assemble(RELEASE, {"default": [webhooks()]}, [], [PROBE, {"webhook": "other.example"}], {}, [])
