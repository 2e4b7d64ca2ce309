// SPDX-License-Identifier: Apache-2.0
// What finding and repairing share.
#pragma once

#include "postman/postman_lint.h"

// Does the script name a place that trades keys for tokens, or gives them away?
bool pm_mints_tokens(str source);
// The lines of a script joined, as pm_script.source.
str pm_script_text(arena *a, const json *event);
// The script without its comments, which do nothing.
str pm_script_code(arena *a, str source);
// Takes the next variable that a script sets ("….set('name'", "setGlobalVariable("name"") from
// *rest; false at the end.
bool pm_next_set_variable(str *rest, str *ret_name);
// Takes the next text that may be a variable's name: what stands between two quotes of one kind (a
// script's get('name')), whatever the quotes were meant for. *from starts at 0.
bool pm_next_quoted(str text, char quote, size_t *from, str *ret_name);
// Private keys and service-account key files: what signs assertions.
bool pm_is_key(str value);

// A script that trades a key for a token before a request.
typedef struct pm_token_script pm_token_script;
struct pm_token_script {
    const json *event;
    str source;          // without comments
    bool sets_header;    // it puts the token into the request itself
    const char *besides; // what else it does, for which it stays; NULL: nothing, it may go
};

// The token scripts of a document. It must outlive this.
typedef struct pm_minting pm_minting;
struct pm_minting {
    arena *a;
    map scripts;
    map variables; // that they set
};
void pm_minting_read(arena *a, const json *document, pm_minting *ret);
void pm_minting_deinit(pm_minting *m);
// NULL: that event is none.
pm_token_script *pm_minting_script(const pm_minting *m, const json *event);
// The variable that this text, where it stands, sends as a bearer: "{{token}}" in an auth of that
// type, or in a header Authorization. Empty: none.
str pm_bearer_variable(const json *text);

// A text that only a secret looks like: a token, a private key, a key with its maker's mark, a URL
// with a password.
bool pm_has_secret_shape(str text);
// A value that its name tells to be a secret; no template and no placeholder.
bool pm_is_secret(str name, str value);
// The name of the first secret in a text of pairs (a URL, a form, JSON); empty: none.
str pm_named_secret(str text);
