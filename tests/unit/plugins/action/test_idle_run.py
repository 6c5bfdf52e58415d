# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an install with nothing to do imports. Ansible compiles the modules of a collection anew in every run."""

from __future__ import annotations

from tests.unit.plugins.helpers.new_process import told_by

# Prints the modules of the library that an install with nothing to do imports late, and those of which it runs no
# function although they are imported with its action plugins.
PROGRAM = """
import json
import sys
import threading

from ansible_collections.conductor.trainer.plugins.action import trainer_operator, wait_for_controllers

LIBRARY = "ansible_collections.conductor.trainer.plugins.module_utils."
FUNCTION = 1  # CO_OPTIMIZED: neither the body of a module nor that of a class


def imported():
    return {name for name in sys.modules if name.startswith(LIBRARY)}


def shown(names):
    packages = {name.rpartition(".")[0] for name in imported()}
    return " ".join(sorted(name.removeprefix(LIBRARY) for name in names - packages))


first = imported()

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.responses import api_error
from ansible_collections.conductor.trainer.plugins.module_utils.module_call import Call
from ansible_collections.conductor.trainer.plugins.module_utils.probes.runtimes import probe_trainjob
from tests.unit.plugins.helpers.builders import DENIAL, bundle, installed, serving

release = bundle()
planned, ready = installed(release), serving(release)
usable = [probe_trainjob(name, release.probe_namespace) for name in release.names("ClusterTrainingRuntime")]


def webhook(request):
    if request.method != "POST" or not request.path.endswith("/trainjobs"):
        return None
    if request.body in usable:
        return request.body
    said = {"kind": "Status", "code": 422, "reason": "Invalid", "message": DENIAL}
    raise api_error(422, {}, json.dumps(said).encode(), "probe", "TrainJob default/probe")


def run(plugin, cluster, **params):
    operation = plugin.OPERATION
    defaults = {name: option.get("default") for name, option in operation.argument_spec().items()}
    return operation.run(Call({**defaults, **params}, check_mode=False, diff=False, warn=print), cluster, release)


ready.hooks.insert(0, webhook)
assert run(trainer_operator, planned)["record_updated"]
for name in imported() - first:
    del sys.modules[name]
used = set()


def note(frame, event, _argument):
    if event == "call" and frame.f_code.co_flags & FUNCTION:
        used.add(frame.f_globals.get("__name__"))


threading.setprofile(note)
sys.setprofile(note)
assert not run(trainer_operator, planned)["changed"]
waited = {"refresh_certificates": True, "retry_stuck": True, "prove_runtimes": True, "jobset": "bundled", "timeout": 0}
assert run(wait_for_controllers, ready, **waited)["runtimes"]
sys.setprofile(None)
print(shown(imported() - first))
print(shown(first - used))
"""
# The fakes replace these, or the action plugin does their work around an operation.
AROUND = (
    "cluster.",
    "credentials",
    "kubeconfig.",
    "lifetime",
    "module_runner",
    "objects.documents",
    "options.spec",
    "options.words",
    "output",
    "private_folder",
    "redaction",
    "release.loader",
    "wire.",
)
# Yet nobody uses these around an operation that has nothing to do.
LATE = {
    "cluster.access_reviews",
    "cluster.autoscaler",
    "cluster.deletion",
    "cluster.lease",
    "cluster.namespace_contents",
    "cluster.reader",
    "kubeconfig.exec_plugin",
    "kubeconfig.oidc",
    "wire.events",
}
# Constants, and small files whose functions are for the less common objects among those that every run looks at.
ALWAYS = {"diagnose.unreachable", "names", "objects.managed_fields", "release.recognition", "release.versions"}


def test_an_install_with_nothing_to_do_imports_only_what_it_needs() -> None:
    late, idle = (set(line.split()) for line in told_by(PROGRAM))
    assert late == set()
    assert idle & LATE == set()
    assert {name for name in idle - ALWAYS if not name.startswith(AROUND)} == set()
