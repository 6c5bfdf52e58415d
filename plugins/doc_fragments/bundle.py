# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Document the options that select what is installed. C(BUNDLE_ARG_SPEC) in C(module_call.py) defines them."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of every module of this collection, in addition to the connection."""

    DOCUMENTATION = r"""
options:
  release:
    description: Trainer release, together with the JobSet release that belongs to it.
    type: str
    default: 2.3.0
  profile:
    description:
      - Variant of the release.
      - With V(default), the webhooks fail closed. While a controller is down, its objects cannot be created or changed.
      - With V(fail_open), they fail open (C(failurePolicy) Ignore). Objects pass unchecked while a controller is down.
    type: str
    choices: [default, fail_open]
    default: default
  runtimes:
    description:
      - Names of the ClusterTrainingRuntimes; V(all) selects every runtime of the release, an empty list none.
      - A runtime of the release that is installed already and is not selected stays on the cluster. It is no longer
        updated or tested, and is deleted when the operator is removed.
    type: list
    elements: str
    default: [all]
  jobset:
    description:
      - JobSet that Trainer uses.
      - V(bundled) installs the JobSet of the release. V(external) uses an existing JobSet that is healthy, of a
        sufficient version and not managed by Conductor, and never changes it.
      - V(auto) continues with the choice of the last install. On a cluster without Trainer it uses an existing JobSet,
        or else installs the bundled one.
      - A second JobSet is never installed over an existing one, whatever the value.
    type: str
    choices: [auto, bundled, external]
    default: auto
  certificates:
    description:
      - Source of the webhook certificates.
      - With V(generated), the controllers create and renew them.
      - With V(external), you provide them in the Secrets C(kubeflow-trainer-webhook-tls) and, unless JobSet is
        external, C(jobset-webhook-tls) in the operator's namespace, with C(tls.crt), C(tls.key) and, unless
        O(certificates_ca) is set, C(ca.crt). The Secrets are only read. An install fails before it writes anything if
        one of them cannot be used.
      - An install then writes the C(caBundle) of the webhook configurations, and the next run updates it after the CA
        was renewed. Webhook configurations with an annotation of cert-manager's CA injector are left alone.
    type: str
    choices: [generated, external]
    default: generated
  certificates_ca:
    description:
      - With O(certificates=external), the CA certificates by which the API server verifies the webhooks, as PEM text.
        They replace the C(ca.crt) of the Secrets. With the old and the new CA together, a CA can be replaced without an
        interruption.
    type: str
  customize:
    description:
      - What to change about the release. Everything that is not set stays as the release has it.
      - The role has a variable for each of these options, C(conductor_registries) for O(customize.registries).
    type: dict
    suboptions:
      registries:
        description:
          - "Registries of mirrors, by the registry of the release that each replaces, for every image: of the
            controllers, of the runtimes and of what the controllers start themselves. The longest prefix wins; C(*)
            stands for all other registries. Example: {ghcr.io: mirror.example.com/ghcr, docker.io:
            mirror.example.com/hub}."
        type: dict
      images:
        description:
          - "Images to use instead of those of the release, by the repository of the release, each with a tag or a
            digest. Example: {registry.k8s.io/jobset/jobset: mirror.example.com/jobset:v0.12.0}."
        type: dict
      image_pull_credentials:
        description:
          - "Credentials of registries, by registry, each with username and password. Conductor creates a Secret of
            them and lets the controllers use it. Example: {mirror.example.com: {username: puller,
            password: the password}}."
        type: dict
      replicas: &replicas
        description:
          - "Number of pods of each controller, from 1 to 5. One of them works, the others take over when
            it ends. Example: 2."
        type: int
      disruption_budget: &disruption_budget
        description:
          - "PodDisruptionBudget of each controller. V(auto) creates one if there are several replicas, V(none) never.
            Or a mapping with one of min_available and max_unavailable. Example: {max_unavailable: 1}."
        type: raw
      spread: &spread
        description:
          - "How to spread the replicas. V(node) and V(zone) prefer different nodes or zones, V(none) leaves it to the
            scheduler. Or a list of topology spread constraints. Example: zone."
        type: raw
      tolerations: &tolerations
        description:
          - "Tolerations of the controllers' pods. Example: [{key: CriticalAddonsOnly, operator: Exists}]."
        type: list
        elements: dict
      node_selector: &node_selector
        description:
          - "Labels of the nodes on which the controllers may run. Example: {node-pool: system}."
        type: dict
      affinity: &affinity
        description:
          - "Affinity of the controllers' pods. Example: {nodeAffinity: {...}}."
        type: dict
      priority_class: &priority_class
        description:
          - "PriorityClass of the controllers' pods. Example: system-cluster-critical."
        type: str
      resources: &resources
        description:
          - "Requests and limits of the controllers, merged key by key with those of the release; null removes one.
            Example: {requests: {cpu: 50m}, limits: {memory: 1Gi}}."
        type: dict
      host_network: &host_network
        description:
          - "Let the controllers use the network of their node, for clusters whose API server does not reach pods.
            They get distinct ports. Example: true."
        type: bool
      log_level: &log_level
        description:
          - "Verbosity of the controllers' logs: a number from 0 to 10, or debug, info or error. Example: 4."
        type: str
      feature_gates: &feature_gates
        description:
          - "Feature gates of the controllers, by name. Each gate belongs to one controller of the release. Example:
            {TrainJobStatus: true}."
        type: dict
      tls: &tls
        description:
          - "TLS of the controllers' servers: min_version (1.2 or 1.3), cipher_suites and, for Trainer, next_protos.
            See docs/configuration.md. Example: {min_version: \"1.3\"}."
        type: dict
      image_pull_policy: &image_pull_policy
        description:
          - "When the nodes pull the images of the controllers. By default Kubernetes decides. Example: Always."
        type: str
        choices: [Always, IfNotPresent, Never]
      image_pull_secrets: &image_pull_secrets
        description:
          - "Names of Secrets in the operator's namespace with credentials of registries. Example: [mirror]."
        type: list
        elements: str
      trainer_controller:
        description:
          - Options of the controller of Trainer alone. A list or a single value replaces that for both controllers;
            mappings are merged key by key, and null removes a key.
        type: dict
        suboptions: &one_controller
          replicas: *replicas
          disruption_budget: *disruption_budget
          spread: *spread
          tolerations: *tolerations
          node_selector: *node_selector
          affinity: *affinity
          priority_class: *priority_class
          resources: *resources
          host_network: *host_network
          log_level: *log_level
          feature_gates: *feature_gates
          tls: *tls
          image_pull_policy: *image_pull_policy
          image_pull_secrets: *image_pull_secrets
          pod_labels:
            description:
              - "Labels to add to the pods. Example: {network: restricted}."
            type: dict
          pod_annotations:
            description:
              - "Annotations to add to the pods. Example: {sidecar.istio.io/inject: \"false\"}."
            type: dict
          env:
            description:
              - "Environment variables of the container. Example: [{name: HTTPS_PROXY, value:
                \"http://proxy.example.com:3128\"}]."
            type: list
            elements: dict
          env_from:
            description:
              - "Sources of environment variables of the container. Example: [{configMapRef: {name: proxy}}]."
            type: list
            elements: dict
          volumes:
            description:
              - "Volumes to add to the pods. Example: [{name: ca, configMap: {name: company-ca}}]."
            type: list
            elements: dict
          volume_mounts:
            description:
              - "Where the container mounts them. Example: [{name: ca, mountPath: /etc/ssl/company}]."
            type: list
            elements: dict
          config:
            description:
              - "Settings of the controller, merged into its configuration file; null removes one. See
                docs/configuration.md. Example: {clientConnection: {qps: 100}}."
            type: dict
      jobset_controller:
        description: Options of the controller of JobSet alone, like those of O(customize.trainer_controller).
        type: dict
        suboptions: *one_controller
      labels:
        description:
          - "Labels to add to every object. Example: {team: platform}."
        type: dict
      annotations:
        description:
          - "Annotations to add to every object. Example: {example.com/owner: platform}."
        type: dict
      patches:
        description:
          - "Patches of single objects, for what no other option changes: each has a target and either merge, a
            strategic merge, or json, a list of operations as in RFC 6902, for which the Python library jsonpatch is
            needed where the module runs. A patch that matches no object or changes nothing is an error. See
            docs/options.md. Example: [{target: {kind: Deployment, component: trainer}, merge: {spec:
            {revisionHistoryLimit: 3}}}]."
        type: list
        elements: dict
      extra_objects:
        description:
          - "Objects to apply, record and remove together with the release: each an object, or the path of a YAML file
            or a folder on the control node, which may be encrypted with Ansible Vault. Example: [quota.yml,
            {apiVersion: v1, kind: ResourceQuota, ...}]."
        type: list
        elements: raw
  options:
    description:
      - Whether the options of O(customize) are those of this task, or V(recorded), those of the install record of the
        cluster. An install requires V(given).
    type: str
    choices: [given, recorded]
    default: given
  bundle:
    description:
      - Path of a bundle file on the machine on which the module runs. Usually not set. The bundle of O(release) is
        found in the collection and copied there.
      - "For a bundle of your own, of a fork or of an unreleased Trainer for example: C(tools/bundles/generate) in a
        clone writes it. Its checksum detects damage and proves no origin, and only the bundles of the collection are
        tested. To change single fields of a release, use O(customize.patches)."
    type: path
  concurrency:
    description: Maximum number of concurrent requests.
    type: int
    default: 8
"""
