# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variable names of other tools, without the prefix C(conductor_), and what to use instead.

A test fails if the role gets a variable with one of these names. Remove the name here then.
"""

from __future__ import annotations

_NAMESPACE = "Trainer is always installed in the namespace kubeflow-system; no variable changes it"
_NAMES = "the names of the objects are those of the Trainer release; no variable changes them"
_IMAGE = (
    "set conductor_registries to use a mirror for all images, or conductor_images to replace single ones, each with "
    "its tag"
)
_CONTROLLER = "set it in conductor_trainer_controller or conductor_jobset_controller"
_CONFIG = "set its keys as config in conductor_trainer_controller or conductor_jobset_controller"
_NO_CONTROLLER = "no variable changes it; set it by conductor_patches"
_OTHER_OBJECTS = "no variable creates such objects; give them as conductor_extra_objects"
_RUNTIMES = (
    "conductor_runtimes selects runtimes of the release, conductor_patches changes them, and conductor_extra_objects "
    "adds others"
)
_HELM = "Conductor does not use Helm; there is no chart and there are no values"
_JOBSET_VERSION = "the version of JobSet is defined by conductor_release; conductor_jobset selects which JobSet is used"
_JOBSET = "set conductor_jobset to bundled to install JobSet, or to external to use an existing one"
_CLUSTER = (
    "each inventory host is one cluster; set conductor_kubeconfig and conductor_context, "
    "or conductor_host and conductor_api_key, for the host"
)
_HOSTS = "conductor_targets selects the inventory hosts; conductor_host is the URL of an API server"
_LOGIN = (
    "set conductor_api_key, or conductor_client_cert and conductor_client_key; basic authentication has no variable"
)
_INSECURE = "set conductor_validate_certs to false to skip the verification of the API server"
_STATE = "run the playbook conductor.trainer.install to install and conductor.trainer.uninstall to uninstall"
_WAIT = "an install always waits for the controllers; conductor_wait_timeout limits the time"
_CRDS = "an install always applies the CRDs; conductor_prune_crds and conductor_remove_crds control their deletion"
_FORCE = (
    "conductor_force_conflicts overwrites fields that other managers own; "
    "conductor_abandon_jobs lets an uninstall continue despite unfinished jobs"
)
_CHECK = "run ansible-playbook with --check, and with --diff to see the changes"
_VERBOSE = "run ansible-playbook with -v"
_FAIL_OPEN = "set conductor_profile to fail_open for webhooks with the failure policy Ignore"
_CERT_MANAGER = "set conductor_certificates to external to use certificates of cert-manager"

# The name of another tool: our variable.
RENAMED: dict[str, str] = {
    name: f"conductor_{variable}"
    for variable, names in {
        "release": "version trainer_version trainer_release operator_version kubeflow_version kubeflow_trainer_version",
        "kubeconfig": "config config_file kubeconfig_path kubeconfig_file kube_config_path kubeconfig_content",
        "context": "ctx kube_context kubecontext kubectl_context kubeconfig_context context_name k8s_context",
        "host": "server server_url api_server api_server_url apiserver api_url api_host url endpoint master",
        "api_key": "token api_token auth_token bearer_token access_token k8s_token",
        "ca_cert": "ca ca_file ca_path cacert ca_certificate ssl_ca_cert certificate_authority cluster_ca_certificate",
        "client_cert": "cert_file client_certificate tls_cert",
        "client_key": "key_file tls_key",
        "validate_certs": "verify_ssl ssl_verify verify_tls tls_verify validate_ssl verify_certs",
        "proxy": "proxy_url http_proxy https_proxy",
        "impersonate_user": "as as_user impersonate",
        "impersonate_groups": "as_group as_groups impersonate_group",
        "wait_timeout": "timeout install_timeout rollout_timeout",
        "concurrency": "parallel parallelism threads workers",
        "targets": "target_hosts hosts_pattern",
        "cluster_uid": "cluster_id uid",
        "registries": "registry image_registry mirror registry_mirror image_mirror",
        "image_pull_secrets": "image_pull_secret pull_secret pull_secrets",
        "image_pull_policy": "pull_policy",
        "replicas": "replica_count",
        "resources": "requests limits",
        "priority_class": "priority_class_name",
        "log_level": "log_verbosity zap_log_level verbose_logging",
        "tls": "tls_config tls_min_version cipher_suites",
        "tolerations": "toleration taints",
        "node_selector": "node_selectors node_labels",
        "spread": "topology_spread_constraints",
        "disruption_budget": "pdb pod_disruption_budget",
        "labels": "common_labels",
        "annotations": "common_annotations",
        "extra_objects": "extra_manifests extra_resources",
        "patches": "patch overlays kustomize_patches",
    }.items()
    for name in names.split()
}

# The name of another tool: what to do instead, in one sentence.
ANSWERS: dict[str, str] = {
    name: answer
    for answer, names in {
        _NAMESPACE: "namespace operator_namespace trainer_namespace jobset_namespace target_namespace ns",
        _NAMES: "name release_name name_prefix fullname_override",
        _IMAGE: "image image_tag image_name image_repository repository tag trainer_image jobset_image",
        _CONTROLLER: "env env_from volumes volume_mounts pod_labels pod_annotations leader_elect leader_election",
        _CONFIG: "controller_config manager_config operator_config trainer_config jobset_config config_overrides",
        _NO_CONTROLLER: "args extra_args security_context pod_security_context dns_policy liveness_probe "
        "readiness_probe",
        _OTHER_OBJECTS: "network_policy network_policies service_monitor service_monitors prometheus user_roles "
        "cluster_roles role_bindings resource_quota limit_range",
        _RUNTIMES: "custom_runtimes runtime_overrides runtime_images default_runtimes",
        _HELM: "values values_file values_files helm helm_values chart charts chart_version chart_ref chart_repo repo "
        "repo_url set_values",
        _JOBSET_VERSION: "jobset_version jobset_release",
        _JOBSET: "install_jobset jobset_install jobset_enabled enable_jobset skip_jobset manage_jobset with_jobset",
        _CLUSTER: "cluster clusters cluster_name",
        _HOSTS: "hosts host_group group groups limit",
        _LOGIN: "user username password basic_auth",
        _INSECURE: "insecure insecure_skip_tls_verify insecure_skip_verify skip_tls_verify tls_insecure",
        _STATE: "state present absent enabled install uninstall remove purge action",
        _WAIT: "wait wait_for wait_for_ready no_wait wait_condition wait_sleep atomic",
        _CRDS: "crds crd install_crds skip_crds create_crds include_crds manage_crds keep_crds delete_crds purge_crds",
        _FORCE: "force force_apply overwrite",
        _CHECK: "check check_mode dry_run dryrun diff",
        _VERBOSE: "debug verbose verbosity",
        _FAIL_OPEN: "failure_policy webhook_failure_policy fail_open ignore_webhook_failures",
        _CERT_MANAGER: "cert_manager certmanager use_cert_manager",
    }.items()
    for name in names.split()
}
