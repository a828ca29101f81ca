"""Serves POST /token with a token server of a public library (the argument: authlib or oauthlib) on a free port, until
standard input ends. Prints the port. Each library reads and judges the request; what is here is what a library leaves to
its user: the clients, and their secret.
"""

import json
import os
import sys
import threading
from base64 import b64decode
from urllib.parse import parse_qsl, unquote_plus
from wsgiref.simple_server import WSGIRequestHandler, make_server

# Both libraries refuse http otherwise.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

# RFC 6749, appendix A: any visible ASCII character, and spaces.
SECRET = "a+b/c==&d=:\"~*% x"
# Each accepts its id and secret in one place only.
CLIENTS = {"in the body": "client_secret_post", "in: a header+%": "client_secret_basic"}
SCOPES = ["api", "read"]


def authlib_server():
    from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
    from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
    from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
    from authlib.oauth2.rfc6750 import BearerTokenGenerator

    class Client(ClientMixin):
        def __init__(self, client_id):
            self.client_id = client_id

        def check_client_secret(self, client_secret):
            return client_secret == SECRET

        def check_endpoint_auth_method(self, method, endpoint):
            return method == CLIENTS[self.client_id]

        def check_grant_type(self, grant_type):
            return grant_type == "client_credentials"

        def get_allowed_scope(self, scope):
            return scope or "read"

    class Request(OAuth2Request):
        def __init__(self, headers, form):
            super().__init__("POST", "http://127.0.0.1/token", headers=headers)
            self.payload = BasicOAuth2Payload(form)
            self._form = form

        @property
        def form(self):
            return self._form

    class Server(AuthorizationServer):
        def query_client(self, client_id):
            return Client(client_id) if client_id in CLIENTS else None

        def save_token(self, token, request):
            pass

        def send_signal(self, name, *args, **kwargs):
            pass

        def create_oauth2_request(self, request):
            return request

        def handle_response(self, status, body, headers):
            return status, body, headers

    class Grant(ClientCredentialsGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

    server = Server(scopes_supported=SCOPES)
    server.register_grant(Grant)
    server.register_token_generator("default", BearerTokenGenerator(lambda *_, **__: "token-of-authlib"))

    def respond(headers, content_type, body):
        is_form = content_type == "application/x-www-form-urlencoded"
        form = dict(parse_qsl(body, keep_blank_values=True)) if is_form else {}
        status, answer, answer_headers = server.create_token_response(Request(headers, form))
        return status, answer, dict(answer_headers)

    return respond


def oauthlib_server():
    from oauthlib.oauth2 import BackendApplicationServer, RequestValidator

    class Validator(RequestValidator):
        def authenticate_client(self, request, *args, **kwargs):
            basic = request.headers.get("Authorization", "").removeprefix("Basic ")
            in_header = tuple(unquote_plus(part) for part in b64decode(basic).decode().partition(":")[::2])
            is_basic = basic != ""
            client_id, secret = in_header if is_basic else (request.client_id, request.client_secret)
            request.client = type("Client", (), {"client_id": client_id})
            return secret == SECRET and CLIENTS.get(client_id) == f"client_secret_{'basic' if is_basic else 'post'}"

        def validate_grant_type(self, client_id, grant_type, client, request, *args, **kwargs):
            return True

        def get_default_scopes(self, client_id, request, *args, **kwargs):
            return []

        def validate_scopes(self, client_id, scopes, client, request, *args, **kwargs):
            return set(scopes) <= set(SCOPES)

        def save_bearer_token(self, token, request, *args, **kwargs):
            pass

    server = BackendApplicationServer(Validator(), token_generator=lambda _: "token-of-oauthlib")

    def respond(headers, content_type, body):
        answer_headers, answer, status = server.create_token_response(
            "http://127.0.0.1/token", "POST", body, {**headers, "Content-Type": content_type}
        )
        return status, answer, answer_headers

    return respond


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


respond = {"authlib": authlib_server, "oauthlib": oauthlib_server}[sys.argv[1]]()


def application(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    authorization = environ.get("HTTP_AUTHORIZATION")
    headers = {} if authorization is None else {"Authorization": authorization}
    status, answer, answer_headers = respond(headers, environ.get("CONTENT_TYPE", ""), body)
    text = answer if isinstance(answer, str) else json.dumps(answer)
    start_response(f"{status} Status", list(answer_headers.items()))
    return [text.encode()]


server = make_server("127.0.0.1", 0, application, handler_class=QuietHandler)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
server.shutdown()
