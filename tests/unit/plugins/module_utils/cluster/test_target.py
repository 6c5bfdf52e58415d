# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from ansible_collections.kubernetes.core.plugins.doc_fragments.k8s_auth_options import ModuleDocFragment
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

from ansible_collections.conductor.trainer.plugins.doc_fragments import connection
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.target import (
    CONNECTION_OPTIONS,
    choose_context,
    choose_target,
    complete,
)
from ansible_collections.conductor.trainer.plugins.module_utils.errors import TargetError

# What AWX's credential type for Kubernetes injects.
AWX = {
    "K8S_AUTH_HOST": "https://awx.example",
    "K8S_AUTH_API_KEY": "awx-token",
    "K8S_AUTH_VERIFY_SSL": "False",
    "K8S_AUTH_SSL_CA_CERT": "/awx/ca",
}
FILE = {"K8S_AUTH_KUBECONFIG": "/env/config", "K8S_AUTH_CONTEXT": "env"}
HOST = {"host": "https://a.example", "api_key": "mine"}


@pytest.mark.parametrize(
    ("options", "environ", "expected"),
    [
        ({"kubeconfig": "/c", "context": "a"}, {}, {"kubeconfig": "/c", "context": "a"}),
        ({"kubeconfig": "/c", "context": "a"}, AWX, {"kubeconfig": "/c", "context": "a"}),
        ({"kubeconfig": "/c"}, FILE, {"kubeconfig": "/c", "context": "env"}),
        ({"context": "a"}, {**FILE, **AWX}, {"kubeconfig": "/env/config", "context": "a"}),
        ({"context": "a"}, {}, {"context": "a"}),
        ({"kubeconfig": {"contexts": []}}, AWX, {"kubeconfig": {"contexts": []}}),
        ({}, FILE, {"kubeconfig": "/env/config", "context": "env"}),
        ({}, {"K8S_AUTH_CONTEXT": "env"}, {"context": "env"}),
        (HOST, {}, {"host": "https://a.example", "settings": {"api_key": "mine"}}),
        (HOST, FILE, {"host": "https://a.example", "settings": {"api_key": "mine"}}),
        (
            {},
            AWX,
            {
                "host": "https://awx.example",
                "settings": {"api_key": "awx-token", "validate_certs": False, "ca_cert": "/awx/ca"},
            },
        ),
        ({"in_cluster": True}, {**AWX}, {"in_cluster": True}),
        ({"in_cluster": False, "context": "a"}, {}, {"context": "a"}),
        # None, "" and [] count as not set.
        ({"kubeconfig": "", "host": None, "context": "a", "impersonate_groups": []}, {}, {"context": "a"}),
        # An explicit false counts as set.
        ({**HOST, "validate_certs": False}, {}, {**HOST, "settings": {"api_key": "mine", "validate_certs": False}}),
        (
            {"kubeconfig": "/c", "validate_certs": False},
            {},
            {"kubeconfig": "/c", "settings": {"validate_certs": False}},
        ),
        # Each option overrides its variable.
        (
            {**HOST, "validate_certs": True},
            {"K8S_AUTH_VALIDATE_CERTS": "no", "K8S_AUTH_API_KEY": "other"},
            {**HOST, "settings": {"api_key": "mine", "validate_certs": True}},
        ),
        # Impersonation and proxies do not belong to a cluster.
        (
            {"kubeconfig": "/c", "context": "a"},
            {
                "K8S_AUTH_PROXY": "http://proxy",
                "K8S_AUTH_IMPERSONATE_USER": "u",
                "K8S_AUTH_IMPERSONATE_GROUPS": "g,,h",
                "K8S_AUTH_PERSIST_CONFIG": "0",
                "K8S_AUTH_PROXY_HEADERS_BASIC_AUTH": "u:p",
            },
            {
                "kubeconfig": "/c",
                "context": "a",
                "settings": {
                    "proxy": "http://proxy",
                    "impersonate_user": "u",
                    "impersonate_groups": ["g", "h"],
                    "persist_config": False,
                    "proxy_headers": {"basic_auth": "u:p"},
                },
            },
        ),
    ],
)
def test_options_and_environment_name_one_target(
    options: dict[str, Any], environ: dict[str, str], expected: dict[str, Any]
) -> None:
    target = choose_target(options, environ)
    found = {name: getattr(target, name) for name in ("kubeconfig", "context", "host", "in_cluster")}
    expected = {name: value for name, value in expected.items() if name != "api_key" and name != "validate_certs"}
    settings = expected.pop("settings", {})
    assert found == {"kubeconfig": None, "context": None, "host": None, "in_cluster": False} | expected
    assert target.settings == settings


@pytest.mark.parametrize(
    ("options", "environ", "words"),
    [
        ({}, {}, "no cluster is named"),
        ({"in_cluster": False}, {}, "no cluster is named"),
        ({"api_key": "t", "ca_cert": "/ca"}, {}, "no cluster is named"),
        ({}, {"K8S_AUTH_API_KEY": "t"}, "no cluster is named"),
        # kubectl's own variable names a file of contexts, not a cluster.
        ({}, {"KUBECONFIG": "/c"}, "no cluster is named"),
        ({**HOST, "kubeconfig": "/c"}, {}, "both set"),
        ({**HOST, "context": "a"}, {}, "both set"),
        ({"in_cluster": True, "context": "a"}, {}, "in_cluster"),
        ({"in_cluster": True, "kubeconfig": "/c"}, {}, "in_cluster"),
        ({"in_cluster": True, "host": "https://a"}, {}, "in_cluster"),
        ({}, {**AWX, **FILE}, "two clusters"),
        ({}, {**AWX, "K8S_AUTH_CONTEXT": "a"}, "two clusters"),
        ({"host": "https://a"}, {}, "no credentials for https://a"),
        ({"host": "https://a", "client_cert": "/c"}, {}, "no credentials"),
        ({"host": "https://a", "username": "u"}, {}, "no credentials"),
        ({}, {"K8S_AUTH_HOST": "https://a"}, "no credentials"),
    ],
)
def test_no_two_or_incomplete_targets_are_rejected(
    options: dict[str, Any], environ: dict[str, str], words: str
) -> None:
    with pytest.raises(TargetError, match=words) as caught:
        choose_target(options, environ)
    assert caught.value.next_step


@pytest.mark.parametrize(
    "credentials",
    [{"api_key": "t"}, {"client_cert": "/c", "client_key": "/k"}, {"username": "u", "password": "p"}],
)
def test_each_kind_of_credentials_is_enough(credentials: dict[str, str]) -> None:
    assert choose_target({"host": "https://a", **credentials}, {}).settings == credentials


def traits(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return an option of an argument spec with its defaults written out."""
    return {
        "type": spec.get("type", "str"),
        "elements": spec.get("elements"),
        "aliases": sorted(spec.get("aliases", [])),
        "no_log": bool(spec.get("no_log")),
        "options": {name: traits(below) for name, below in spec.get("options", {}).items()},
        "other": {key: spec[key] for key in ("default", "choices", "required", "fallback") if key in spec},
    }


def test_the_options_are_those_of_kubernetes_core_and_in_cluster() -> None:
    ours = {name: traits(option.spec) for name, option in CONNECTION_OPTIONS.items() if name != "in_cluster"}
    assert ours == {name: traits(spec) for name, spec in AUTH_ARG_SPEC.items()}


def test_the_documentation_names_the_environment_variables_of_every_option() -> None:
    documented = {
        (name, variable)
        for name, variable in documented_variables(connection.ModuleDocFragment)
        if name in CONNECTION_OPTIONS
    }
    assert documented == {
        (name, variable)
        for name, option in CONNECTION_OPTIONS.items()
        for variable in (
            [f"{option.variables(name)[0]}_{below.upper()}" for below in option.spec["options"]]
            if "options" in option.spec
            else option.variables(name)
        )
    }


def documented_variables(fragment: Any = ModuleDocFragment) -> list[tuple[str, str]]:
    """Return (option, environment variable) pairs of a documentation fragment; by default that of kubernetes.core."""
    options = yaml.safe_load(fragment.DOCUMENTATION)["options"]
    return [
        (name, variable)
        for name, option in options.items()
        for variable in re.findall(r"K8S_AUTH_[A-Z0-9_]*[A-Z0-9]", str(option))
    ]


@pytest.mark.parametrize(("option", "variable"), documented_variables())
def test_every_variable_that_kubernetes_core_documents_is_understood(option: str, variable: str) -> None:
    environ = {variable: "value"}
    if option in ("kubeconfig", "context"):
        assert getattr(choose_target({}, environ), option) == "value"
        return
    found = choose_target({}, {"K8S_AUTH_HOST": "https://a.example", "K8S_AUTH_API_KEY": "t", **environ})
    if option == "host":
        assert found.host == "value"
    else:
        assert "value" in str(found.settings[option]) or found.settings[option] is True


@pytest.mark.parametrize("first", [("K8S_AUTH_VALIDATE_CERTS", "K8S_AUTH_VERIFY_SSL")])
@pytest.mark.parametrize(("text", "value"), [("False", False), (" no ", False), ("0", False), ("True", True)])
def test_verification_is_text_in_the_environment(first: tuple[str, str], text: str, value: bool) -> None:
    for name in first:
        environ = {"K8S_AUTH_HOST": HOST["host"], name: text}
        assert choose_target(HOST, environ).settings["validate_certs"] is value


def test_credentials_for_the_host_of_the_environment_are_not_sent_to_another_host() -> None:
    with pytest.raises(TargetError, match="no credentials for https://other"):
        choose_target({"host": "https://other"}, AWX)


CREDENTIALS = {
    "api_key": "K8S_AUTH_API_KEY",
    "username": "K8S_AUTH_USERNAME",
    "password": "K8S_AUTH_PASSWORD",
    "client_cert": "K8S_AUTH_CERT_FILE",
    "client_key": "K8S_AUTH_CLIENT_KEY",
}


def test_a_host_in_an_option_is_not_completed_from_the_environment() -> None:
    """The key of a shell or of AWX would be sent to each host of a fleet."""
    environ = dict.fromkeys(CREDENTIALS.values(), "theirs")
    with pytest.raises(TargetError, match=r"no credentials for https://a\.example; api_key and client_cert") as caught:
        choose_target({"host": "https://a.example"}, environ)
    assert "K8S_AUTH_HOST" in str(caught.value.next_step)
    for name, value in (("K8S_AUTH_VERIFY_SSL", "no"), ("K8S_AUTH_SSL_CA_CERT", "/theirs")):
        assert choose_target(HOST, {name: value}).settings == {"api_key": "mine"}


@pytest.mark.parametrize(
    "spelling",
    [
        "https://a.example",
        "https://a.example/",
        "https://A.EXAMPLE:443",
        "a.example",
        "HTTPS://a.example//",
        " a.example ",
    ],
)
def test_the_environment_completes_the_host_that_it_names_itself(spelling: str) -> None:
    environ = {"K8S_AUTH_HOST": spelling, "K8S_AUTH_API_KEY": "theirs", "K8S_AUTH_VERIFY_SSL": "no"}
    settings = choose_target({"host": "https://a.example"}, environ).settings
    assert settings == {"api_key": "theirs", "validate_certs": False}
    # Never credentials of two sorts, nor a CA of one and the verification of the other.
    assert choose_target({"host": "https://a.example", "username": "u", "password": "p"}, environ).settings == {
        "username": "u",
        "password": "p",
        "validate_certs": False,
    }
    assert choose_target({"host": "https://a.example", "ca_cert": "/ca"}, environ).settings == {
        "ca_cert": "/ca",
        "api_key": "theirs",
    }


@pytest.mark.parametrize(
    "other", ["https://a.example:6443", "http://a.example", "https://a.example/x", "https://b.example", "", "https://["]
)
def test_the_environment_does_not_complete_another_host(other: str) -> None:
    with pytest.raises(TargetError, match="no credentials"):
        choose_target({"host": "https://a.example"}, {"K8S_AUTH_HOST": other, "K8S_AUTH_API_KEY": "theirs"})


@pytest.mark.parametrize("option", CREDENTIALS)
@pytest.mark.parametrize("environ", [AWX, FILE, {"K8S_AUTH_KUBECONFIG": "/env/config"}], ids=["host", "file", "only"])
def test_credentials_in_options_are_not_sent_to_a_cluster_of_the_environment(
    option: str, environ: dict[str, str]
) -> None:
    with pytest.raises(TargetError, match=f"{option} is an option, but the environment names the cluster"):
        choose_target({option: "mine"}, environ)
    assert not {"host", "kubeconfig", "context"} & complete({option: "mine"}, environ).keys()


def test_a_password_in_a_host_is_not_shown() -> None:
    with pytest.raises(TargetError, match=r"no credentials for https://a\.example") as caught:
        choose_target({"host": "https://u:hush@a.example"}, {})
    assert "hush" not in str(caught.value)


def test_impersonation_is_not_dropped_for_the_own_cluster() -> None:
    target = choose_target({"in_cluster": True, "impersonate_user": "weak"}, {})
    assert target.settings == {"impersonate_user": "weak"}


@pytest.mark.parametrize(
    ("named", "contexts", "chosen"), [("b", ["a", "b"], "b"), (None, ["only"], "only"), ("only", ["only"], "only")]
)
def test_context(named: str | None, contexts: list[str], chosen: str) -> None:
    assert choose_context(named, contexts, "file") == chosen


@pytest.mark.parametrize(
    ("named", "contexts", "words"),
    [("c", ["b", "a"], "context 'c' not found in file"), (None, ["b", "a"], "file has 2"), (None, [], "file has 0")],
)
def test_a_context_is_never_guessed(named: str | None, contexts: list[str], words: str) -> None:
    with pytest.raises(TargetError, match=words) as caught:
        choose_context(named, contexts, "file")
    assert (", ".join(sorted(contexts)) or "none") in str(caught.value.next_step)
