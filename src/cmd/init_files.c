// SPDX-License-Identifier: Apache-2.0
#include "cmd/init_files.h"

#include <stddef.h>

#define SCHEMA "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

static const char project_yaml[] =
    "# What 'gatepost up' runs on this machine, and who calls it.\n"
    "project:\n"
    "  id: {{id}}\n"
    "  region: {{region}}\n"
    "\n"
    "accounts:\n"
    "  # May call every service of the project. Its key is made on first start and stays here.\n"
    "  - email: tester@{{id}}.iam.gserviceaccount.com\n"
    "    roles: [roles/run.invoker]\n"
    "    key: .gatepost/tester.json\n"
    "  # Exists, and may call nothing: for tests of refusals.\n"
    "  - email: stranger@{{id}}.iam.gserviceaccount.com\n"
    "    key: .gatepost/stranger.json\n"
    "\n"
    "run_as: tester@{{id}}.iam.gserviceaccount.com\n"
    "identities:\n"
    "  stranger: {account: stranger@{{id}}.iam.gserviceaccount.com}\n"
    "rules:\n"
    "  - {request: \"refused/as a stranger\", identity: stranger}\n"
    "\n"
    "services:\n"
    "  - service.yaml\n";

static const char service_yaml[] = "# As 'gcloud run services replace service.yaml' takes it. "
                                   "Without an image the command runs as\n"
                                   "# a process on this machine.\n"
                                   "apiVersion: serving.knative.dev/v1\n"
                                   "kind: Service\n"
                                   "metadata:\n"
                                   "  name: hello\n"
                                   "spec:\n"
                                   "  template:\n"
                                   "    spec:\n"
                                   "      containers:\n"
                                   "        - command: [\"/usr/bin/python3\", \"app.py\"]\n";

static const char app_py[] =
    "\"\"\"The smallest private service: it greets, and never sees a caller without "
    "permission.\"\"\"\n"
    "import json\n"
    "import os\n"
    "from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer\n"
    "\n"
    "\n"
    "class Hello(BaseHTTPRequestHandler):\n"
    "    protocol_version = \"HTTP/1.1\"\n"
    "\n"
    "    def do_GET(self):\n"
    "        body = json.dumps({\"hello\": \"world\", \"path\": self.path}).encode()\n"
    "        self.send_response(200)\n"
    "        self.send_header(\"Content-Type\", \"application/json\")\n"
    "        self.send_header(\"Content-Length\", str(len(body)))\n"
    "        self.end_headers()\n"
    "        self.wfile.write(body)\n"
    "\n"
    "\n"
    "ThreadingHTTPServer((\"0.0.0.0\", int(os.environ[\"PORT\"])), Hello).serve_forever()\n";

static const char collection_json[] =
    "{\n"
    "  \"info\": {\n"
    "    \"name\": \"hello\",\n"
    "    \"schema\": \"" SCHEMA "\"\n"
    "  },\n"
    "  \"variable\": [{\"key\": \"baseUrl\", \"value\": \"{{url}}\"}],\n"
    "  \"item\": [\n"
    "    {\n"
    "      \"name\": \"hello\",\n"
    "      \"request\": {\"method\": \"GET\", \"url\": \"{{baseUrl}}/\"},\n"
    "      \"event\": [{\"listen\": \"test\", \"script\": {\"exec\": [\n"
    "        \"pm.test('the service answers', () => pm.response.to.have.status(200));\"\n"
    "      ]}}]\n"
    "    },\n"
    "    {\n"
    "      \"name\": \"refused\",\n"
    "      \"item\": [\n"
    "        {\n"
    "          \"name\": \"without identity\",\n"
    "          \"request\": {\"method\": \"GET\", \"url\": \"{{baseUrl}}/\", \"auth\": {\"type\": "
    "\"noauth\"}},\n"
    "          \"event\": [{\"listen\": \"test\", \"script\": {\"exec\": [\n"
    "            \"pm.test('the service is private', () => pm.response.to.have.status(403));\"\n"
    "          ]}}]\n"
    "        }{{stranger}}\n"
    "      ]\n"
    "    }\n"
    "  ]\n"
    "}\n";

const init_file init_local[] = {
    {"gatepost.yaml", project_yaml},
    {"service.yaml", service_yaml},
    {"app.py", app_py},
    {"hello.postman_collection.json", collection_json},
    {NULL, NULL},
};
const init_file init_cloud[] = {
    {"hello.postman_collection.json", collection_json},
    {NULL, NULL},
};
