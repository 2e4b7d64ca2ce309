// SPDX-License-Identifier: Apache-2.0
// external_account: a token of another issuer (the subject token), where it comes from, and its
// exchange at Google's STS (google-identity.md §2 and 7). Each kind of credential_source has a
// file.
#pragma once

#include "credential/exchange.h"

typedef enum subject_kind {
    SUBJECT_FILE,
    SUBJECT_URL,
    SUBJECT_PROGRAM,
    SUBJECT_AWS,
    SUBJECT_CERTIFICATE,
} subject_kind;

// Where AWS keeps what a request is signed with, if not in the environment.
typedef struct aws_places aws_places;
struct aws_places {
    str session_url; // IMDSv2's; empty: none is needed
    str region_url;
    str role_url;
    str verification_url; // of GetCallerIdentity, with {region}
};

typedef struct external external;
struct external {
    str audience;
    str token_type;
    str user_project; // of a workforce pool; empty: none
    subject_kind kind;
    str place;             // the file or the URL of the subject token
    bool as_json;          // it is a member of a JSON object
    str field;             // that member
    fetch_header *headers; // of the URL
    size_t header_count;
    const char **argv; // of the program
    uint64_t timeout_ms;
    const char *output_file; // where the program keeps its answer; NULL: nowhere
    aws_places aws;
    const char *cert_file, *key_file, *chain_file; // chain: NULL when there is none
};

// external_file.c. The file's object into c->external. CRED_FILE.
CODE_CHECKED external_read(caller *c, arena *a, const json *root, const file_rules *rules, err *e);
// external_cert.c: the certificate and key of credential_source.certificate.
CODE_CHECKED external_read_certificate(external *x, arena *a, const json *from, err *e);

// Each leaves the subject token in x->subject at once, or begins something: a round of HTTP in
// `req`, or a program.
CODE_CHECKED aws_ask(exchange *x, fetch_request *req, err *e);
// Of a round's answer; another round is needed while x->subject is empty.
CODE_CHECKED aws_read(exchange *x, str body, err *e);
CODE_CHECKED program_ask(exchange *x, err *e);
CODE_CHECKED certificate_subject(exchange *x, err *e);
