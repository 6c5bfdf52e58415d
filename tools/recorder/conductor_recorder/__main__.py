# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line: ``python -m conductor_recorder --context NAME [--kubeconfig FILE] [--seconds N] FILE``."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kubernetes import config, dynamic

from conductor_recorder.recording import Recording

# The kinds, and the API version of each.
WATCHED = {
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Pod": "v1",
    "EndpointSlice": "discovery.k8s.io/v1",
    "Lease": "coordination.k8s.io/v1",
    "Namespace": "v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "MutatingWebhookConfiguration": "admissionregistration.k8s.io/v1",
    "ValidatingWebhookConfiguration": "admissionregistration.k8s.io/v1",
}


def main() -> int:
    """Record for the given time; return 1 if a kind could not be watched."""
    parser = argparse.ArgumentParser(prog="recorder", description=__doc__)
    parser.add_argument("file", type=Path, help="file for the recording (JSON)")
    parser.add_argument("--context", required=True, help="context of the kubeconfig")
    parser.add_argument("--kubeconfig", help="file (default: kubectl's)")
    parser.add_argument("--namespace", default="kubeflow-system", help="namespace of the controllers (kubeflow-system)")
    parser.add_argument("--seconds", type=float, default=60, help="duration (60)")
    arguments = parser.parse_args()
    recording, lock, began = Recording(), threading.Lock(), time.monotonic()

    def follow(kind: str) -> str:
        # One client per thread: they are not thread-safe.
        api = config.new_client_from_config(arguments.kubeconfig, arguments.context)
        resource = dynamic.DynamicClient(api).resources.get(api_version=WATCHED[kind], kind=kind)
        namespace = arguments.namespace if resource.namespaced else None
        try:
            while (left := arguments.seconds - (time.monotonic() - began)) > 0:
                for event in resource.watch(namespace=namespace, timeout=max(1, int(left))):
                    with lock:
                        recording.take(time.monotonic() - began, kind, event["type"], event["raw_object"])
        except Exception as error:  # noqa: BLE001 - reported at the end
            return f"{kind}: {error}"
        return ""

    with ThreadPoolExecutor(len(WATCHED)) as pool:
        failures = list(filter(None, pool.map(follow, WATCHED)))
    # One version per line: a diff shows the changed ones.
    lines = ",\n".join(json.dumps(entry) for entry in recording.entries)
    arguments.file.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(recording.entries)} versions of objects in {arguments.file}")
    print(*failures, sep="\n", end="\n" if failures else "", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
