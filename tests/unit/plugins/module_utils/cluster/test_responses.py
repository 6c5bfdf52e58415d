# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
import urllib3

from ansible_collections.conductor.trainer.plugins.module_utils.cluster.responses import (
    api_error,
    failed_answer,
    is_from_api_server,
    unreachable,
)
from ansible_collections.conductor.trainer.plugins.module_utils.cluster.retry import is_transient
from ansible_collections.conductor.trainer.plugins.module_utils.errors import AnswerError, ApiError

STATUS = {
    "kind": "Status",
    "message": "Apply failed with 1 conflict",
    "reason": "Conflict",
    "details": {"causes": [{"reason": "FieldManagerConflict", "field": ".spec.replicas"}], "retryAfterSeconds": 3},
}


def test_fields_of_a_status_are_parsed() -> None:
    error = api_error(409, {}, json.dumps(STATUS).encode(), "apply", "Deployment a/b")
    assert (error.status, error.reason, error.retry_after) == (409, "Conflict", 3.0)
    assert error.causes == [{"reason": "FieldManagerConflict", "field": ".spec.replicas"}]
    assert str(error) == (
        "apply Deployment a/b: Apply failed with 1 conflict\n"
        "Next: check which manager owns the field; set force_conflicts to take it over"
    )
    assert error.facts == {"status": 409, "reason": "Conflict"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<html>Bad gateway</html>", "<html>Bad gateway</html>"),
        (b"", "HTTP 502"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"[1]", "[1]"),
        (b"null", "null"),
        (b"{}", "HTTP 502"),
        (b"x" * 5000, "x" * 300),
        (b'{"message": null, "details": null, "reason": null}', "HTTP 502"),
    ],
)
def test_response_without_a_status_has_a_message(data: bytes, message: str) -> None:
    error = api_error(502, {}, data, "list", "pods")
    assert error.message == message
    assert (error.reason, error.causes) == ("", [])


@pytest.mark.parametrize("body", [{"details": "upstream down"}, {"message": {"text": "upstream down"}}])
def test_json_of_a_gateway_is_not_a_status(body: dict[str, Any]) -> None:
    assert "upstream down" in api_error(502, {}, json.dumps(body).encode(), "list", "pods").message


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "4"}, {}, 4.0),
        ({"Retry-After": "4"}, {"details": {"retryAfterSeconds": 9}}, 4.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, {}, None),
        ({"Retry-After": "-1"}, {}, None),
        ({"Retry-After": "\xb2"}, {}, None),
        ({"Retry-After": "\u0663"}, {}, None),
        ({"Retry-After": "1.5"}, {}, None),
        ({"Retry-After": "9" * 400}, {}, None),
        ({"Retry-After": "x"}, {"details": {"retryAfterSeconds": 9}}, None),
        ({}, {"details": {"retryAfterSeconds": "9"}}, None),
        ({}, {"details": {"retryAfterSeconds": True}}, None),
        ({}, {"details": {"retryAfterSeconds": -1}}, None),
        ({}, {"details": {"retryAfterSeconds": 10**30}}, None),
        ({}, {}, None),
    ],
)
def test_retry_after(headers: dict[str, str], body: dict[str, Any], seconds: float | None) -> None:
    assert api_error(429, headers, json.dumps(body).encode(), "s", "o").retry_after == seconds


@pytest.mark.parametrize(("status", "words"), [(401, "renew"), (403, "permission"), (409, "force_conflicts")])
def test_some_failures_have_a_next_step(status: int, words: str) -> None:
    assert words in str(api_error(status, {}, b"{}", "s", "o").next_step)


DENIALS = (
    'admission webhook "a.b.c" denied the request: no',
    "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
    "policy 'm' with binding 'b' denied request: no",
)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 422, 429, 500, 503, 504])
@pytest.mark.parametrize("message", DENIALS)
def test_a_denial_is_no_other_failure_whatever_its_code(status: int, message: str) -> None:
    error = api_error(status, {}, json.dumps({"message": message, "code": status}).encode(), "delete", "Service a/b")
    assert error.status == 403
    assert error.facts["status"] == status
    assert not is_transient(error)
    assert "namespace a" in str(error.next_step)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (500, 'failed calling webhook "a.b.c": failed to call webhook: Post "https://a.b.svc:443/x": EOF'),
        (404, 'services "b" not found'),
        (409, "the object has been modified; please apply your changes"),
        (422, 'Service "b" is invalid: spec.ports: Required value'),
        (429, "Too many requests, please try again later."),
    ],
)
def test_other_failures_keep_their_code(status: int, message: str) -> None:
    assert api_error(status, {}, json.dumps({"message": message}).encode(), "apply", "Service a/b").status == status


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("Deployment ops/manager", "exempt the namespace ops from"),
        ("Namespace ops", "exempt the namespace ops from"),
        ("ClusterRole manager", "exempt ClusterRole manager from"),
        ("TrainJob team/mnist", "change TrainJob team/mnist as the Validating"),
        ("deployments.apps in ops", "change the request as the Validating"),
        ("/apis", "change the request as the Validating"),
    ],
)
def test_a_next_step_is_about_what_was_rejected(subject: str, words: str) -> None:
    error = api_error(422, {}, json.dumps({"message": DENIALS[1]}).encode(), "apply", subject)
    assert str(error.next_step).startswith(words)


def test_failed_certificate_verification_is_not_retried() -> None:
    error = unreachable(urllib3.exceptions.SSLError("self-signed"), "https://a", "read", "/version")
    assert not error.transient
    assert "ca_cert" in str(error.next_step)
    error = unreachable(urllib3.exceptions.ProtocolError("reset"), "https://a", "read", "/version")
    assert error.transient
    assert "https://a cannot be reached: reset" in str(error)


# What OpenSSL and Python's ssl report, and how the next step begins.
@pytest.mark.parametrize(
    ("words", "next_step"),
    [
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "check the address and its port"),
        ("[SSL: HTTP_REQUEST] http request (_ssl.c:1006)", "check the address and its port"),
        ("[SSL: RECORD_LAYER_FAILURE] record layer failure (_ssl.c:1029)", "check the address and its port"),
        ("[SSL: PACKET_LENGTH_TOO_LONG] packet length too long (_ssl.c:1029)", "check the address and its port"),
        ("certificate verify failed: certificate has expired (_ssl.c:1006)", "renew the certificate of the API server"),
        ("certificate verify failed: certificate is not yet valid", "renew the certificate of the API server"),
        ("certificate verify failed: Hostname mismatch, certificate is not valid for 'a'.", "use an address"),
        ("certificate verify failed: IP address mismatch, certificate is not valid for '10.0.0.1'.", "use an address"),
        ("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required", "check client_cert"),
        ("[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca", "check client_cert"),
        ("[SSL: SSLV3_ALERT_BAD_CERTIFICATE] sslv3 alert bad certificate", "check client_cert"),
        ("certificate verify failed: self-signed certificate in certificate chain", "check ca_cert"),
        ("certificate verify failed: unable to get local issuer certificate", "check ca_cert"),
        ("[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol", "check the server address"),
        ("[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure", "check the TLS versions"),
        ("anything else", "check ca_cert"),
    ],
)
def test_a_failed_tls_handshake_has_the_next_step_for_its_cause(words: str, next_step: str) -> None:
    error = unreachable(urllib3.exceptions.SSLError(words), "https://a", "read", "/version")
    assert str(error.next_step).startswith(next_step)


def test_proxy_that_requires_a_login_is_not_retried() -> None:
    cause = OSError("Tunnel connection failed: 407 Proxy Authentication Required")
    error = unreachable(urllib3.exceptions.ProxyError("Unable to connect to proxy", cause), "https://a", "read", "/x")
    assert not error.transient
    assert "conductor_proxy" in str(error.next_step)


def test_memory_addresses_are_not_shown() -> None:
    error = urllib3.exceptions.HTTPError("<urllib3.connection.HTTPSConnection object at 0x7f3d6269a890>: refused")
    assert "https://a cannot be reached: refused" in str(unreachable(error, "https://a", "read", "/version"))


@pytest.mark.parametrize(
    ("code", "headers", "body", "own"),
    [
        (404, {}, {"kind": "Status", "status": "Failure", "code": 404}, True),
        (404, {}, {"kind": "Status", "status": "Failure"}, True),
        (404, {}, {"kind": "Status", "code": 404}, True),
        (404, {}, {"kind": "Status"}, False),
        (403, {}, {"kind": "Status"}, True),
        (404, {}, {"kind": "Status", "status": "Success"}, False),
        (404, {}, {"kind": "Status", "code": 403}, False),
        (404, {}, {"message": "no Route matched"}, False),
        (404, {}, {"code": 5, "message": "Not Found"}, False),
        (404, {}, b"404 page not found\n", False),
        (404, {"Audit-Id": "1"}, b"404 page not found\n", True),
        (404, {"Audit-Id": "1"}, b"<html>", False),
        (503, {"Audit-Id": "1"}, b"service unavailable", True),
        (429, {"X-Kubernetes-Pf-Flowschema-Uid": "1"}, b"Too many requests", True),
        (403, {}, b"<html>", False),
        (500, {}, b"", False),
        (404, {}, b"[" * 100_000, False),
    ],
)
def test_who_answers_is_known_before_it_is_believed(
    code: int, headers: dict[str, str], body: dict[str, Any] | bytes, own: bool
) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert is_from_api_server(code, headers, data) is own
    error = failed_answer(code, headers, data, "https://a", "GET /x", "read", "x")
    assert isinstance(error, ApiError if own else AnswerError)
    if not own:
        assert "https://a to GET /x" in str(error)
        assert error.next_step


@pytest.mark.parametrize("code", [300, 302, 304, 399, 101, 204])
def test_another_status_is_no_answer_of_an_api_server(code: int) -> None:
    body = json.dumps({"kind": "Status", "status": "Failure"}).encode()
    assert isinstance(failed_answer(code, {}, body, "https://a", "GET /x", "read", "x"), AnswerError)


def test_a_long_message_is_cut() -> None:
    error = api_error(422, {}, json.dumps({"kind": "Status", "message": "m" * 10**6}).encode(), "apply", "x")
    assert len(error.message) < 20_000
    assert "more characters" in error.message
