// SPDX-License-Identifier: Apache-2.0
// Any text as a URL and as a path: what is accepted has one canonical form, and that form means the
// same thing when it is read again.
#include <stdlib.h>

#include "base/fuzz.h"
#include "uri/uri.h"

static void format(buf *out, const uri_url *u)
{
    buf_init(out, 1 << 22);
    url_format(out, u, true);
}

static void try_url(arena *a, str text)
{
    uri_url u, again;
    buf first, second;
    if (url_parse(a, text, &u, NULL) != OK)
        return;
    fuzz_accepted++;
    format(&first, &u);
    if (url_parse(a, buf_str(&first), &again, NULL) != OK)
        abort();
    format(&second, &again);
    uri_origin o = url_origin(&u), o2 = url_origin(&again);
    if (!str_eq(buf_str(&first), buf_str(&second)) || !origin_eq(&o, &o2))
        abort();
    if (url_resolve(a, &u, text, &again, NULL) == OK && !str_eq(again.host.name, u.host.name))
        abort();
    buf_deinit(&first);
    buf_deinit(&second);
}

static void try_path(arena *a, str text)
{
    str path, again;
    for (unsigned allowed = 0; allowed < 32; allowed++) {
        if (path_canonical(a, text, allowed, &path, NULL) != OK)
            continue;
        // Canonical is canonical: nothing is left to decode, and no kind was let in unasked.
        if (!path.len || path.ptr[0] != '/' ||
            path_canonical(a, path, allowed, &again, NULL) != OK || !str_eq(path, again))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arena a;
    arena_init(&a);
    str text = {(const char *)data, size};
    uri_host h;
    uint16_t port;
    uri_cookie cookie;
    run_app app;
    try_url(&a, text);
    try_path(&a, text);
    if (host_parse(&a, text, &h, NULL) == OK) {
        uri_host again;
        if (host_parse(&a, h.name, &again, NULL) != OK || !str_eq(h.name, again.name))
            abort();
        run_app_parse(h.name, &app);
    }
    (void)!authority_parse(&a, text, &h, &port, NULL);
    cookie_parse(&a, text, 1700000000, &cookie);
    arena_deinit(&a);
    return 0;
}
