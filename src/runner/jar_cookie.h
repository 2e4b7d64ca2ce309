// SPDX-License-Identifier: Apache-2.0
// jar_cookie: what jar.c and its JSON share. Private to the jar.
#pragma once

#include "runner/jar.h"

typedef struct jar_cookie jar_cookie;
struct jar_cookie {
    js_cookie cookie; // complete: domain and path are filled in; expires_ms counts, max_age_s not
    bool path_is_default;
    int64_t created_ms;
    size_t place; // in the jar, while sorting
    char *text;   // behind all strings
};

struct jar {
    VEC(jar_cookie *) cookies; // oldest first
};

// Copies the cookie into the jar, in the place of its elder.
void jar_keep(jar *j, const jar_cookie *c);
void jar_empty(jar *j);
