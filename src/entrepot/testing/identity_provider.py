"""A real identity provider of our own on loopback: for people (OpenID Connect) and for CI jobs (signed tokens)."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "entrepot", "the client's secret: %&+"
_Key = RSAKey | ECKey


@dataclass
class Code:
    """What an authorization code stands for."""

    nonce: str
    challenge: str
    redirect_uri: str


@dataclass
class IdentityProvider:
    """Its state can be changed while it runs; ``person`` are the claims of whoever is signed in there."""

    url: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    id_token_changes: dict[str, Any] = field(default_factory=dict)
    discovery_changes: dict[str, Any] = field(default_factory=dict)
    trouble: str = ""
    requests: list[str] = field(default_factory=list)
    codes: dict[str, Code] = field(default_factory=dict)
    keys: list[_Key] = field(default_factory=list)

    def rotate(self, *, keep: bool = False) -> None:
        """Another signing key, from now on."""
        kid = secrets.token_hex(4)
        made = RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"}, private=True)
        self.keys = [made, *(self.keys if keep else [])]

    @property
    def key(self) -> _Key:
        return self.keys[0]

    def claims(self, audience: str, subject: str, **others: Any) -> dict[str, Any]:
        """The usual ones, good for five minutes."""
        now = int(time.time())
        return {"iss": self.url, "aud": audience, "sub": subject, "iat": now, "nbf": now, "exp": now + 300, **others}

    def sign(self, claims: Mapping[str, Any], key: Any = None, algorithm: str = "RS256", **header: Any) -> str:
        """Any claims, with any key and header."""
        key = key or self.key
        kid = {} if key.kid is None else {"kid": key.kid}
        return jwt.encode({"alg": algorithm, **kid, **header}, dict(claims), key, algorithms=[algorithm])

    def unsigned(self, claims: Mapping[str, Any]) -> str:
        """With ``alg: none``."""
        parts = (json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, dict(claims)))
        return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."

    def signed_with_public_key(self, claims: Mapping[str, Any]) -> str:
        """HS256, with the public key taken for a shared secret."""

        def coded(data: bytes) -> str:
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

        header = {"alg": "HS256", "typ": "JWT", "kid": self.key.kid}
        signed = ".".join(coded(json.dumps(part).encode()) for part in (header, dict(claims)))
        return f"{signed}.{coded(hmac.digest(self.key.as_pem(private=False), signed.encode(), 'sha256'))}"

    def github(self, audience: str, repository: str = "acme/app", ref: str = "refs/heads/main", **more: Any) -> str:
        """As GitHub Actions signs it for a job."""
        owner = repository.partition("/")[0]
        claims = self.claims(
            audience,
            f"repo:{repository}:ref:{ref}",
            repository=repository,
            repository_owner=owner,
            ref=ref,
            ref_type="tag" if "/tags/" in ref else "branch",
            sha="0f" * 20,
            workflow="release",
            job_workflow_ref=f"{repository}/.github/workflows/release.yml@{ref}",
            run_id="1234567890",
            run_number="7",
            run_attempt="1",
            actor="octocat",
            event_name="push",
            runner_environment="github-hosted",
            jti=secrets.token_hex(8),
        )
        return self.sign({**claims, **more})

    def gitlab(self, audience: str, project: str = "acme/app", ref: str = "main", **more: Any) -> str:
        """As GitLab signs it for a job."""
        claims = self.claims(
            audience,
            f"project_path:{project}:ref_type:branch:ref:{ref}",
            project_path=project,
            project_id="42",
            namespace_path=project.rpartition("/")[0],
            ref=ref,
            ref_type="branch",
            ref_protected="true",
            pipeline_id="777",
            pipeline_source="push",
            job_id="888",
            user_login="rita",
            jti=secrets.token_hex(8),
        )
        return self.sign({**claims, **more})


class _Requests(BaseHTTPRequestHandler):
    provider: IdentityProvider

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - theirs
        """Nothing."""

    def do_GET(self) -> None:
        provider, parts = self.provider, urlsplit(self.path)
        provider.requests.append(parts.path)
        if provider.trouble == "hangs":
            time.sleep(30)
        if provider.trouble == "redirects":
            return self._redirect(f"{provider.url.replace('127.0.0.1', '127.0.0.2')}{self.path}")
        if provider.trouble == "is endless":
            return self._endless()
        if parts.path == "/.well-known/openid-configuration":
            return self._answer({**self._discovery(), **provider.discovery_changes})
        if parts.path == "/jwks":
            return self._answer({"keys": [key.as_dict(private=False) for key in provider.keys]})
        if parts.path == "/authorize":
            return self._authorize({name: values[0] for name, values in parse_qs(parts.query).items()})
        if parts.path == "/userinfo" and self.headers.get("Authorization") == "Bearer access":
            return self._answer({"sub": provider.person.get("sub"), **provider.userinfo})
        return self._answer({"error": "not_found"}, 404)

    def do_POST(self) -> None:
        self.provider.requests.append(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        given = {name: values[0] for name, values in parse_qs(body).items()}
        code = self.provider.codes.pop(given.get("code", ""), None)
        text = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        name, _, secret = (unquote(part) for part in text.partition(":"))
        verifier = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        good = code is not None and code.challenge == challenge and code.redirect_uri == given.get("redirect_uri")
        if not good or code is None or (name, secret) != (CLIENT_ID, CLIENT_SECRET):
            return self._answer({"error": "invalid_grant"}, 400)
        provider = self.provider
        claims = {**provider.claims(CLIENT_ID, ""), "nonce": code.nonce, **provider.person, **provider.id_token_changes}
        return self._answer({"access_token": "access", "token_type": "Bearer", "id_token": provider.sign(claims)})

    def _discovery(self) -> dict[str, Any]:
        url = self.provider.url
        return {
            "issuer": url,
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
            "userinfo_endpoint": f"{url}/userinfo",
            "jwks_uri": f"{url}/jwks",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    def _authorize(self, given: dict[str, str]) -> None:
        assert given["response_type"] == "code"
        assert given["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.provider.codes[code] = Code(given["nonce"], given["code_challenge"], given["redirect_uri"])
        self._redirect(f"{given['redirect_uri']}?{urlencode({'code': code, 'state': given['state']})}")

    def _redirect(self, where: str) -> None:
        self.send_response(302)
        self.send_header("Location", where)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(64):
                self.wfile.write(b" " * (1 << 17))

    def _answer(self, body: Mapping[str, Any], status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextlib.contextmanager
def running_provider() -> Iterator[IdentityProvider]:
    """A provider for the time of the block."""
    provider = IdentityProvider()
    provider.rotate()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Requests", (_Requests,), {"provider": provider}))
    server.daemon_threads = True
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
