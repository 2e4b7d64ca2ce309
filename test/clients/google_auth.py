# SPDX-License-Identifier: Apache-2.0
"""Google's Python library as an application uses it: no endpoint, nothing of Gatepost.

    google_auth.py FOLDER [FLOW...]      runs the flows and prints one JSON object of what came of them

Tokens are told by their prefix or claims only."""
import json
import os
import sys

import google.auth
from google.auth import compute_engine, exceptions, impersonated_credentials, jwt
from google.auth.compute_engine import _metadata
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import credentials, id_token, service_account

FOLDER = sys.argv[1]
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
AUDIENCE = "https://orders.example"
HTTP = Request()


def path(name):
    return os.path.join(FOLDER, name + ".json")


def read(name):
    with open(path(name)) as file:
        return json.load(file)


def access(creds):
    creds.refresh(HTTP)
    return creds.token[:6]  # tells whose it is: a person's, an account's, a pool's


def load(name):
    return google.auth.load_credentials_from_file(path(name), scopes=SCOPES)[0]


def email(token, audience=AUDIENCE):
    """Of an ID token that Google's own verifier takes, with certificates that it fetches."""
    certificates = os.environ.get("TEST_CERTS")
    if certificates:
        return id_token.verify_token(token, HTTP, audience, certs_url=certificates)["email"]
    return id_token.verify_oauth2_token(token, HTTP, audience)["email"]


def id_email(creds):
    creds.refresh(HTTP)
    return email(creds.token)


def service_account_key():
    ids = service_account.IDTokenCredentials.from_service_account_file(path("admin"), target_audience=AUDIENCE)
    return [access(load("admin")), id_email(ids)]


def self_signed():
    creds = service_account.Credentials.from_service_account_file(path("admin"), scopes=SCOPES)
    session = AuthorizedSession(creds.with_always_use_jwt_access(True))
    account = read("admin")["client_email"]
    answer = session.get(f"https://iam.googleapis.com/v1/projects/gatepost-demo/serviceAccounts/{account}")
    return answer.json()["email"]


def self_signed_for_an_audience():
    creds = jwt.Credentials.from_service_account_file(path("admin"), audience="https://iam.googleapis.com/")
    account = read("admin")["client_email"]
    answer = AuthorizedSession(creds).get(f"https://iam.googleapis.com/v1/projects/gatepost-demo/serviceAccounts/{account}")
    return answer.json()["email"]


def authorized_user():
    creds = credentials.Credentials.from_authorized_user_file(path("jane"))
    prefix = access(creds)
    return [prefix, email(creds.id_token, creds.client_id)]


def impersonated(target, **more):
    source = load("admin")
    return impersonated_credentials.Credentials(source, read(target)["client_email"], SCOPES, lifetime=600, **more)


def impersonated_id_token():
    return id_email(impersonated_credentials.IDTokenCredentials(
        impersonated("tester"), target_audience=AUDIENCE, include_email=True))


def impersonated_signature():
    """A blob that IAM signs: the account's public certificates verify it."""
    creds = impersonated("tester")
    creds.refresh(HTTP)
    return len(creds.sign_bytes(b"to be signed"))


def default_credentials():
    creds, project = google.auth.default(scopes=SCOPES)
    return [type(creds).__name__, access(creds), email(id_token.fetch_id_token(HTTP, AUDIENCE)), project]


def metadata():
    compute = compute_engine.Credentials()
    compute.refresh(HTTP)
    ids = compute_engine.IDTokenCredentials(HTTP, AUDIENCE, use_metadata_identity_endpoint=True)
    return [_metadata.ping(HTTP), compute.service_account_email, compute.token[:6], id_email(ids)]


def a_forged_key():
    info = {**read("admin"), "private_key": read("tester")["private_key"]}
    try:
        return access(service_account.Credentials.from_service_account_info(info, scopes=SCOPES))
    except exceptions.RefreshError as refusal:
        return refusal.args[1]


FLOWS = {
    "service_account": service_account_key,
    "self_signed": self_signed,
    "self_signed_for_an_audience": self_signed_for_an_audience,
    "authorized_user": authorized_user,
    "external_account_authorized_user": lambda: access(load("workforce")),
    "external_file": lambda: access(load("external-file")),
    "external_url": lambda: access(load("external-url")),
    "external_executable": lambda: access(load("external-executable")),
    "external_impersonated": lambda: access(load("external-impersonated")),
    "impersonated_with_delegates": lambda: access(load("impersonated")),
    "impersonated_id_token": impersonated_id_token,
    "impersonated_signature": impersonated_signature,
    "default_credentials": default_credentials,
    "metadata": metadata,
    "a_forged_key": a_forged_key,
}


def run(flow):
    try:
        return flow()
    except Exception as failure:  # told as its result, so that one run shows all of them
        return f"failed: {failure!r}"


print(json.dumps({name: run(FLOWS[name]) for name in sys.argv[2:] or FLOWS}))
