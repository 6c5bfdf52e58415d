# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Document the options that name a cluster. C(CONNECTION_OPTIONS) in C(cluster/target.py) defines them."""

from __future__ import annotations


class ModuleDocFragment:
    """The connection options: names, meanings and variables are those of kubernetes.core, the text is ours."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig file, several paths separated by C(:), or the content of such a file as a dictionary or as
        text, for example from a variable encrypted with Ansible Vault.
      - It is read as kubectl reads it. A file that kubectl rejects, or a user without credentials, is an error before
        the first request. Of the C(auth-provider) settings only C(oidc) is left; for the others use an exec plugin.
      - Environment variable C(K8S_AUTH_KUBECONFIG).
    type: raw
  context:
    description:
      - Name of the context in the kubeconfig. Required unless the kubeconfig has exactly one context.
      - Environment variable C(K8S_AUTH_CONTEXT).
    type: str
  host:
    description:
      - URL of the API server. Use it with credentials, instead of O(kubeconfig) and O(context). Without a scheme it is
        C(https). A user name or a password in the URL is rejected.
      - Credentials are never sent to an C(http) URL on another machine. See O(validate_certs) for one on this machine.
      - Environment variable C(K8S_AUTH_HOST).
    type: str
  api_key:
    description:
      - Bearer token.
      - Environment variable C(K8S_AUTH_API_KEY).
    type: str
  username:
    description:
      - User name for HTTP basic authentication, which current Kubernetes releases no longer offer.
      - Environment variable C(K8S_AUTH_USERNAME).
    type: str
  password:
    description:
      - Password of O(username).
      - Environment variable C(K8S_AUTH_PASSWORD).
    type: str
  client_cert:
    description:
      - Path of a client certificate (PEM). Use it with O(client_key).
      - Environment variables C(K8S_AUTH_CLIENT_CERT) and C(K8S_AUTH_CERT_FILE).
    type: path
    aliases: [cert_file]
  client_key:
    description:
      - Path of the private key of O(client_cert) (PEM).
      - Environment variables C(K8S_AUTH_CLIENT_KEY) and C(K8S_AUTH_KEY_FILE).
    type: path
    aliases: [key_file]
  ca_cert:
    description:
      - Path of the CA certificates (PEM) that verify the API server.
      - Environment variables C(K8S_AUTH_CA_CERT) and C(K8S_AUTH_SSL_CA_CERT).
    type: path
    aliases: [ssl_ca_cert]
  validate_certs:
    description:
      - Whether to verify the certificate of the API server. It is verified unless this option or the kubeconfig
        disables it, and always with O(ca_cert).
      - With V(false), credentials are also sent to an C(http) URL on the machine on which the task runs, which
        otherwise gets none.
      - Environment variables C(K8S_AUTH_VALIDATE_CERTS) and C(K8S_AUTH_VERIFY_SSL).
    type: bool
    aliases: [verify_ssl]
  proxy:
    description:
      - URL of the proxy to the API server. For a proxy that requires a login, write
        C(http://user:password@host:port), or use O(proxy_headers).
      - Environment variable C(K8S_AUTH_PROXY); otherwise C(HTTPS_PROXY) or C(HTTP_PROXY), by the scheme of the URL,
        with the exceptions in C(NO_PROXY). These two are not used for a server on the machine of the task.
    type: str
  no_proxy:
    description:
      - Hosts, domains and networks to reach without the proxy, separated by commas.
      - Environment variable C(K8S_AUTH_NO_PROXY).
    type: str
  proxy_headers:
    description:
      - Headers to send to the proxy.
    type: dict
    suboptions:
      proxy_basic_auth:
        description:
          - User name and password for the proxy, separated by a colon.
          - Environment variable C(K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH).
        type: str
      basic_auth:
        description:
          - User name and password for an C(Authorization) header, separated by a colon.
          - Environment variable C(K8S_AUTH_PROXY_HEADERS_BASIC_AUTH).
        type: str
      user_agent:
        description:
          - Value of the C(User-Agent) header.
          - Environment variable C(K8S_AUTH_PROXY_HEADERS_USER_AGENT).
        type: str
  persist_config:
    description:
      - Whether to write refreshed tokens back to the kubeconfig file. Only useful for a O(kubeconfig) that is a path.
      - Environment variable C(K8S_AUTH_PERSIST_CONFIG).
    type: bool
  impersonate_user:
    description:
      - Name of the user to impersonate.
      - Environment variable C(K8S_AUTH_IMPERSONATE_USER).
    type: str
  impersonate_groups:
    description:
      - Names of the groups to impersonate.
      - Environment variable C(K8S_AUTH_IMPERSONATE_GROUPS), a list separated by commas.
    type: list
    elements: str
  in_cluster:
    description:
      - Use the service account of the pod in which the task runs. Only if set explicitly; under AWX that pod is usually
        in the wrong cluster.
    type: bool
    default: false
  cluster_uid:
    description:
      - Fail before anything is written unless the cluster has this identity, as returned by
        M(conductor.trainer.trainer_operator).
      - The uid of the namespace kube-system, alone or followed by a slash and the beginning of the digest of the
        cluster's CA. The digest distinguishes a cluster from a restored copy.
    type: str
notes:
  - A cluster must be named by O(kubeconfig) and O(context), by O(host) with credentials, or by O(in_cluster=true). The
    current context is never used.
  - Options override the C(K8S_AUTH_*) variables and are never combined with settings of another cluster. With
    O(kubeconfig), the variables for host, credentials, CA and verification are ignored. With O(host), those for
    kubeconfig and context are, and unless C(K8S_AUTH_HOST) is the same host, those for credentials, CA and verification
    too. Credentials in options are rejected if only variables name the cluster.
  - Credentials in options replace all credentials of the user in the kubeconfig.
  - A file named by O(kubeconfig), O(ca_cert), O(client_cert) or O(client_key) is searched on the control node first,
    including C(files/) beside the playbook. It is decrypted with Ansible Vault if needed and copied to the machine on
    which the task runs. If it is not found, the path refers to that machine.
requirements:
  - python >= 3.10
  - kubernetes >= 24.2.0
"""
