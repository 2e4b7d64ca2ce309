#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a pipeline does without a key: the foreign token in subject.jwt becomes a token of the pool
(STS), that an ID token of the deployer (IAM credentials), and that opens the private service.

    deploy.py ADDRESS_FILE      the file that `gatepost up --print-address-file` names
"""
import json
import sys
import urllib.parse
import urllib.request

PROVIDER = ("//iam.googleapis.com/projects/123456789012/locations/global/"
            "workloadIdentityPools/pipelines/providers/shop-ci")
DEPLOYER = "deployer@gatepost-demo.iam.gserviceaccount.com"


def post(url, body, token=None):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    if isinstance(body, dict):
        headers["content-type"] = "application/json"
        body = json.dumps(body)
    request = urllib.request.Request(url, body.encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def main():
    with open(sys.argv[1]) as file:
        up = json.load(file)
    with open("subject.jwt") as file:
        subject = file.read().strip()
    pool = post(up["iam_url"] + "/v1/token", urllib.parse.urlencode({
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": PROVIDER,
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "subject_token": subject,
    }))["access_token"]
    service = up["services"][0]
    token = post(f"{up['iam_url']}/v1/projects/-/serviceAccounts/{DEPLOYER}:generateIdToken",
                 {"audience": service["run_app_urls"][0], "includeEmail": True}, pool)["token"]
    print(json.dumps(post(service["url"] + "/deployments", {}, token)))


if __name__ == "__main__":
    main()
