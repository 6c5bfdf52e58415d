# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The C(oidc) auth-provider of a kubeconfig: use its ID token, and renew it with its refresh token.

kubectl still has this provider; others were replaced by credential plugins.
"""

from __future__ import annotations

import base64
import binascii
import os
import tempfile
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

try:
    import urllib3
    import yaml
    from urllib3.util.ssl_ import create_urllib3_context
except ImportError:  # reported by module_runner.py
    pass

from ..errors import TargetError
from ..objects.encodings import from_json
from ..wire.body import PIECE, read_beginning
from ..wire.connections import Exchange, limit_connections
from .address import is_loopback
from .pem import certificates, read_file

_LOG_IN_AGAIN = "log in again with the tool that wrote this entry, or use its exec plugin"
_MOST_ANSWER = 1024 * 1024
# Seconds for a request and its answer.
_LONGEST = 20.0


def expiry_of(token: str) -> float | None:
    """Return when an ID token expires, in seconds since the epoch; None if it is not an ID token."""
    parts = token.split(".")
    if len(parts) != 3 or "=" in token:
        return None
    try:
        claims = from_json(base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        return None
    if not isinstance(claims, dict):
        return None
    expires = claims.get("exp", 0)
    try:
        return float(expires) if isinstance(expires, int | float) and not isinstance(expires, bool) else None
    except OverflowError:
        return None


def current_config(config: Mapping[str, str], where: str) -> dict[str, str]:
    """Return the settings of the provider with a valid ID token. Send requests to the issuer if it has expired.

    Args:
        where: the context, for errors.

    Raises:
        TargetError: there is no valid ID token, and none can be had.
    """
    token = config.get("id-token")
    expires = expiry_of(token) if token else 0.0
    if expires is None:
        raise _failed(where, "its id-token is not an ID token")
    if expires > time.time() + 10:
        return dict(config)
    if not config.get("refresh-token"):
        raise _failed(where, "its id-token has expired, and it has no refresh-token")
    return _renewed(config, where)


def _renewed(config: Mapping[str, str], where: str) -> dict[str, str]:
    issuer = config["idp-issuer-url"].rstrip("/")
    pool = _pool(issuer, config, where)
    try:
        found = _answer(pool, "GET", f"{issuer}/.well-known/openid-configuration", None, where)
        endpoint = found.get("token_endpoint")
        if not isinstance(endpoint, str) or not _is_safe(endpoint):
            raise _failed(where, f"the issuer {issuer} names no token_endpoint with https://")
        form = {
            "grant_type": "refresh_token",
            "refresh_token": config["refresh-token"],
            "client_id": config["client-id"],
            "client_secret": config.get("client-secret", ""),
        }
        answer = _answer(pool, "POST", endpoint, {name: value for name, value in form.items() if value}, where)
    finally:
        pool.clear()
    token = answer.get("id_token")
    if not isinstance(token, str) or expiry_of(token) is None:
        raise _failed(where, f"the issuer {issuer} returned no ID token for its refresh-token")
    return {**config, "id-token": token, "refresh-token": str(answer.get("refresh_token") or config["refresh-token"])}


def _pool(issuer: str, config: Mapping[str, str], where: str) -> urllib3.PoolManager:
    if not _is_safe(issuer):
        raise _failed(where, "its idp-issuer-url is not an https URL")
    context = create_urllib3_context()
    name = f"idp-certificate-authority of {where}"
    if config.get("idp-certificate-authority-data"):
        try:
            authority = base64.b64decode("".join(config["idp-certificate-authority-data"].split()), validate=True)
        except binascii.Error:
            raise _failed(where, "its idp-certificate-authority-data is not valid base64") from None
        context.load_verify_locations(cadata=certificates(authority, name).decode(errors="replace"))
    elif config.get("idp-certificate-authority"):
        authority = certificates(read_file(config["idp-certificate-authority"], name), name)
        context.load_verify_locations(cadata=authority.decode(errors="replace"))
    else:
        context.load_default_certs()
    parts = urlsplit(issuer)
    host = parts.hostname or ""
    proxy = None if is_loopback(host) or proxy_bypass(host) else getproxies().get(parts.scheme)
    pool = urllib3.ProxyManager(proxy, ssl_context=context) if proxy else urllib3.PoolManager(ssl_context=context)
    limit_connections(pool)
    return pool


def _is_safe(url: str) -> bool:
    """Return whether a refresh token may be sent to this URL."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    except ValueError:
        return False


def _answer(
    pool: urllib3.PoolManager, method: str, url: str, form: Mapping[str, str] | None, where: str
) -> dict[str, Any]:
    """Return the JSON object that the issuer answers."""
    host = urlsplit(url).netloc.rpartition("@")[2]

    def exchange() -> tuple[int, bytes]:
        response = pool.request(
            method,
            url,
            body=urlencode(form) if form else None,
            headers={"Content-Type": "application/x-www-form-urlencoded"} if form else {},
            timeout=urllib3.Timeout(connect=5, read=15),
            retries=False,
            preload_content=False,
        )
        data, _whole = read_beginning(response.stream(PIECE, decode_content=False), "", _MOST_ANSWER)
        response.release_conn()
        return response.status, data

    try:
        status, data = Exchange(exchange).result(_LONGEST)
    except (urllib3.exceptions.HTTPError, OSError):
        raise _failed(where, f"its id-token has expired, and the issuer {host} does not answer") from None
    if status != 200:
        raise _failed(where, f"the issuer {host} answered {status} to its refresh-token")
    try:
        found = from_json(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _failed(where, f"the issuer {host} did not answer with a JSON object")
    return found


def persist(path: str, user: str, config: Mapping[str, str]) -> None:
    """Write renewed tokens back into a kubeconfig file, as kubectl does.

    Raises:
        OSError, ValueError: the file cannot be written.
    """
    with open(path, encoding="utf-8") as stream:
        content = yaml.safe_load(stream)
    for entry in content["users"]:
        if entry.get("name") == user:
            entry["user"]["auth-provider"]["config"] = dict(config)
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), prefix=".kubeconfig-")
    try:
        with open(handle, "w", encoding="utf-8") as stream:
            yaml.safe_dump(content, stream, default_flow_style=False)
        os.chmod(temporary, os.stat(path).st_mode & 0o777)
        os.replace(temporary, os.path.realpath(path))
    except BaseException:
        os.unlink(temporary)
        raise


def _failed(where: str, what: str) -> TargetError:
    return TargetError(
        f"the credentials of {where} cannot be loaded: auth-provider oidc: {what}", next_step=_LOG_IN_AGAIN
    )
