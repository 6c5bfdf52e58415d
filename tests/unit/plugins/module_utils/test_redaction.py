# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ast
import base64
import random
import re
from pathlib import Path

import pytest

from ansible_collections.conductor.trainer.plugins.module_utils.redaction import HIDDEN, MASK, Secrets, redact
from tests.unit.plugins.helpers.hostile import FORMS, texts

CLONE = Path(__file__).resolve().parents[4]
JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKC\nAQEA7\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"starting with {JWT} now", JWT),
        (f"key: {PEM} end", "MIIEowIBAAKC"),
        # Cut off by whoever logged it.
        ("-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKC", "MIIEowIBAAKC"),
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ("authorization: basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("cloning https://user:hunter2@example.com/x", "hunter2"),
        ("password=hunter2, user=me", "hunter2"),
        ('{"db_password": "hunter2"}', "hunter2"),
        ("HF_TOKEN: hf_abcdefghij", "hf_abcdefghij"),
        ("aws_secret_access_key = AKIA/abc", "AKIA/abc"),
        ("client-key-data: LS0tLS1CRUdJTg==", "LS0tLS1CRUdJTg"),
        ("blob " + "QUJD" * 30, "QUJDQUJD"),
        # One line of a PEM block.
        ("line " + "QUJD" * 16, "QUJDQUJD"),
        # The last lines of a log begin in the middle of one.
        ("MIIEowIBAAKC\nAQEA7==\n-----END RSA PRIVATE KEY-----\nafter", "AQEA7"),
        ('{"password":"hunter2 and more"}', "and more"),
        (r"{\"password\":\"hunter2 and more\"}", "hunter2"),
        (r"key: -----BEGIN PRIVATE KEY-----\nMIIEowIBAAKC\nAQEA7\n-----END PRIVATE KEY-----\n", "MIIEowIBAAKC"),
        ("key: -----BEGIN EC PRIVATE KEY----- MIIEowIBAAKC AQEA7 -----END EC PRIVATE KEY-----", "MIIEowIBAAKC"),
        ("key: |\n    -----BEGIN PRIVATE KEY-----\n    MIIEowIBAAKC\n    -----END PRIVATE KEY-----", "MIIEowIBAAKC"),
        ("client-key-data is LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ==", "LS0tLS1CRUdJTiBSU0Eg"),
        ("url Bearer%20eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9", "eyJhbGciOiJSUzI1NiIs"),
        ("GET /x HTTP/1.1\\r\\nAuthorization: Bearer opaque-token-value", "opaque-token-value"),
        ("headers {'Authorization': 'Token opaque9', 'Accept': '*/*'}", "opaque9"),
        ("headers map[Authorization:[Bearer opaque-value] Accept:[x]]", "opaque-value"),
        ("X-Auth-Token: opaque9", "opaque9"),
        ("Set-Cookie: session=opaque9; Path=/", "opaque9"),
        ("proxy http://me:pa/ss@word@proxy.example:3128 refused", "pa/ss"),
        ("proxy http://me:pa/ss@word@proxy.example:3128 refused", "word@"),
        ("cloning https://ghp-like-token@github.com/x", "ghp-like-token"),
        ("open postgres://me:hunter2@db.example/x", "hunter2"),
        ("run with --password hunter2 --verbose", "hunter2"),
        ("run with --client-secret=hunter2", "hunter2"),
        ("run [login --api-key 'hunter2']", "hunter2"),
        ("['--token', 'hunter2']", "hunter2"),
        ("env name: DB_PASSWORD value: hunter2", "hunter2"),
        ('env {"name":"API_TOKEN","value":"hunter2"}', "hunter2"),
        ("xml <password>hunter2</password>", "hunter2"),
        ("dict {'password': 'hunter2 and more'}", "hunter2 and more"),
        ("query https://a.example/?x=1&sig=AbC%2Fd&se=2", "AbC%2Fd"),
        ("query https://a.example/?X-Amz-Signature=0a1b2c3d&x=1", "0a1b2c3d"),
        ("string DefaultEndpointsProtocol=https;AccountKey=AbCd+/==;", "AbCd+/=="),
        ("passphrase: hunter2", "hunter2"),
        ("run DB_PASS=hunter2 psql", "hunter2"),
        ("sent Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("wandb api key: hunter2", "hunter2"),
        ("url Authorization%3A%20Bearer%20opaque-token-value", "opaque-token-value"),
        ("url Authorization%3ABearer+opaque-token-value", "opaque-token-value"),
        ("run PGPASSWORD=hunter2 psql", "hunter2"),
        ("uses AKIAIOSFODNN7EXAMPLE for s3", "AKIAIOSFODNN7EXAMPLE"),
        ("uses ghp_16C7e42F292c6912E7710c838347Ae178B4a here", "ghp_16C7e42F"),
        ("uses github_pat_11ABCDEFG0abcdefghijkl_x here", "github_pat_11AB"),
        ("uses glpat-abcdefghij0123456789 here", "glpat-abc"),
        ("uses xoxb-123456789012-abcdefghij here", "xoxb-123"),
        ("uses AIzaSyA1234567890abcdefghijklmnopqrstuv here", "AIzaSyA1"),
        ("uses hf_abcdefghijABCDEFGHIJ012345 here", "hf_abcdefghij"),
        ("uses sk-proj-abcdefghijABCDEFGHIJ012345 here", "sk-proj-abc"),
        ("uses abcdef.0123456789wxyz00 to join", "0123456789wxyz00"),
    ],
)
def test_only_secrets_are_hidden(text: str, secret: str) -> None:
    text = text.replace("{JWT}", JWT).replace("{PEM}", PEM)
    hidden = redact(text)
    assert secret not in hidden
    assert HIDDEN in hidden
    # The words around it stay.
    assert hidden.split()[0] == text.split()[0] or text.startswith(("-----", "password=", "{", "MII"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        'Unable to load configuration: strict decoding error: unknown field "noSuchKey"',
        'secret "kubeflow-trainer-webhook-cert" not found',
        "dial tcp 10.96.0.1:443: connect: connection refused",
        "server certs refreshed",
        "pulling registry.invalid/manager@sha256:" + "0a" * 32,
        "https://example.com:443/path",
        "https://example.com:443/path?mail=a@example.com",
        "failed to authorize: failed to fetch anonymous token: unexpected status from GET request: 401 Unauthorized",
        "failed to fetch oauth token: denied: not allowed",
        "no basic auth credentials; basic authentication is disabled, no bearer tokens accepted",
        'secrets "x" is forbidden: User "system:anonymous" cannot get resource "secrets" in API group ""',
        'MountVolume.SetUp failed for volume "token" : secret "token" not found',
        "waiting for events.17f3c0a1b2d4e5f6",
        "image registry:5000/a:v1@sha256:" + "0a" * 32,
        "initializing source docker://alpine:3@sha256:" + "0a" * 32,
        "cloning ssh://git@github.com/kubeflow/trainer",
        "pod sk-training-pipeline-worker-node-abc123 is not ready",
        "open /usr/local/lib/python3/dist/packages/torch/distributed/elastic/multiprocessing/api",
        "Basic networking failed; basic authorization is off",
        "forward_pass: 12ms, compass=north, bypass: yes",
        'failed to fetch token: serviceaccounts "trainer" not found',
        "pad_token_id: 0, max_tokens=2048, tokenizer: bert-base",
        "cause: token: (hidden), password=(hidden)",
    ],
)
def test_other_text_is_kept(text: str) -> None:
    assert redact(text) == text


def test_what_is_hidden_stays_so() -> None:
    for text in (
        f"password={HIDDEN}",
        f"Bearer {HIDDEN}",
        f"https://{HIDDEN}@a",
        f'"token": "{HIDDEN}"',
        f"x {HIDDEN}",
    ):
        assert redact(text) == text
    for text in (f"password={MASK}", f"https://me:{MASK}@a", f"token: {MASK}"):
        assert redact(text) == text


def test_no_text_of_this_collection_looks_like_a_secret() -> None:
    """Our own words pass the same exit as those of others, and must arrive."""
    changed = []
    for path in (CLONE / "plugins").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documentation = {"DOCUMENTATION", "EXAMPLES", "RETURN", "FAMILY"}
        skipped = {
            id(part)
            for node in ast.walk(tree)
            if (isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in documentation)
            or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            for part in ast.walk(node)
        }
        for node in ast.walk(tree):
            if id(node) in skipped or path.name == "redaction.py":
                continue
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            else:
                continue
            if " " in text and ".*?" not in text and redact(text) != text:
                changed.append((path.name, text))
    assert changed == []


@pytest.mark.parametrize(
    "evil",
    [
        "a" * 100_000,
        "-----BEGIN " * 10_000,
        "token: " * 15_000,
        "a://" * 25_000,
        "a://" + "x:" * 50_000 + "@",
        "a://x:y" * 15_000,
        "name password value " * 5_000,
        "authorization " * 7_000,
        "--a-" * 25_000,
        "<password" * 11_000,
        "eyJ" * 33_000,
        "password" + "\\" * 100_000,
        "token" + " " * 100_000,
        "name" + " " * 100_000,
        "LS0tLS1CRUdJTi" * 7_000,
        "cookie=a " * 11_000,
        "abcd+/" * 16_000 + "-",
        "AAAA\n" * 20_000,
        "Bearer " * 14_000,
        "x-token" * 14_000,
        "sk-" * 33_000,
        "sk-a " * 20_000,
        "Basic " + "a" * 100_000,
        "abcd/" * 20_000 + "-",
        "a/.a/" * 20_000,
    ],
)
def test_no_text_takes_long(evil: str) -> None:
    """A pattern that tries every start and every end would need hours for these."""
    assert len(redact(evil)) <= 2 * len(evil)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", texts(random.Random(0)))  # noqa: S311
def test_a_known_secret_is_hidden_in_every_form(kind: str, form: str) -> None:
    generator = random.Random(f"{kind} {form}")  # noqa: S311
    for _time in range(5):
        secret = texts(generator)[kind]
        known = Secrets([secret])
        shown = known.hidden_in(f"before {FORMS[form](secret)} after")
        words = {secret, FORMS[form](secret), *secret.split()}
        long_words = [word for word in words if len(word) >= 12 and "-----" not in word]
        assert [word for word in long_words if word in shown] == []
        # Nothing that is long enough to be a part of it is left.
        rest = re.sub("-----(BEGIN|END) RSA PRIVATE KEY-----|before|after", "", shown)
        assert not [rest[index : index + 16] for index in range(len(rest) - 16) if rest[index : index + 16] in secret]
        assert shown.startswith("before ")
        assert known.among(shown) is None


def test_what_a_base64_secret_contains_is_hidden() -> None:
    pem = texts(random.Random(1))["key"]  # noqa: S311
    known = Secrets([base64.b64encode(pem.encode()).decode()])
    for text in (pem, pem.replace("\n", "\\n"), pem.replace("\n", ""), repr(pem)):
        shown = known.hidden_in(f"before {text} after")
        assert not [line for line in pem.splitlines()[1:-1] if line in shown or line[:20] in shown]


@pytest.mark.parametrize("secret", ["abc", "p", "true", "12"])
def test_a_short_secret_is_hidden_as_a_word_only(secret: str) -> None:
    shown = Secrets([secret]).hidden_in(f"x{secret}x and {secret}, trues")
    assert shown == f"x{secret}x and {MASK}, trues"


def test_names_that_resemble_a_secret_stay() -> None:
    known = Secrets([texts(random.Random(2))["token"]])  # noqa: S311
    text = "Deployment kubeflow-system/kubeflow-trainer-controller-manager: 0 of 1 replicas available"
    assert known.hidden_in(text) == text
    assert known.among(text) is None


def test_hundreds_of_credentials_of_others_are_hidden_as_they_stand() -> None:
    generator = random.Random(3)  # noqa: S311
    known = Secrets()
    every = [texts(generator)["key data"] for _time in range(100)]
    known.add(every)
    assert not [secret for secret in every if secret in known.hidden_in(f"line 3: {secret}")]
    known.add(every[:1])
    assert every[0].encode().hex() not in known.hidden_in(every[0].encode().hex())
