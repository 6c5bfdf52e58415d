# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.errors import BundleError
from ansible_collections.conductor.trainer.plugins.module_utils.objects.resources import (
    RESOURCES,
    Key,
    key_of,
    path_of,
    resource_of,
)
from tests.unit.plugins.helpers.builders import obj


@pytest.mark.parametrize(
    ("key", "path"),
    [
        (Key("v1", "Namespace", "", "a"), "/api/v1/namespaces/a"),
        (Key("v1", "ConfigMap", "n", "a"), "/api/v1/namespaces/n/configmaps/a"),
        (Key("apps/v1", "Deployment", "n", "a"), "/apis/apps/v1/namespaces/n/deployments/a"),
        (
            Key("rbac.authorization.k8s.io/v1", "ClusterRole", "", "system:a/b"),
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:a%2Fb",
        ),
        (Key("v1", "ConfigMap", "n", ""), "/api/v1/namespaces/n/configmaps"),
        (Key("v1", "ConfigMap", "../n", "?a"), "/api/v1/namespaces/..%2Fn/configmaps/%3Fa"),
    ],
)
def test_paths(key: Key, path: str) -> None:
    assert path_of(key) == path


def test_path_of_a_list_in_all_namespaces() -> None:
    assert resource_of("v1", "Pod").path() == "/api/v1/pods"


def test_key_of_a_cluster_scoped_object_has_no_namespace() -> None:
    role = obj("ClusterRole", "a", "rbac.authorization.k8s.io/v1", "n")
    assert key_of(role) == Key("rbac.authorization.k8s.io/v1", "ClusterRole", "", "a")
    assert str(key_of(role)) == "ClusterRole a"
    assert str(key_of(obj("Role", "a", "rbac.authorization.k8s.io/v1", "n"))) == "Role n/a"


def test_unknown_kind_is_named_in_the_error() -> None:
    with pytest.raises(BundleError, match="kind CronJob of batch/v1beta1"):
        resource_of("batch/v1beta1", "CronJob")


CLUSTER_SCOPED = {
    "Namespace",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "ClusterTrainingRuntime",
    "Node",
    "PriorityClass",
}


def plural_of(word: str) -> str:
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}es" if word.endswith("s") else f"{word}s"


def test_resource_table_is_consistent() -> None:
    for (api_version, kind), resource in RESOURCES.items():
        assert resource.api_version == api_version
        assert resource.root.endswith(api_version)
        assert resource.plural == plural_of(kind.lower())
        assert resource.namespaced is (kind not in CLUSTER_SCOPED)
        assert str(resource) == (f"{resource.plural}.{resource.group}" if resource.group else resource.plural)
