// SPDX-License-Identifier: Apache-2.0
// Any text as a cookie jar: what is read is written in a form that reads as the same again. A text
// that is no jar is taken as a Set-Cookie header.
#include <stdlib.h>

#include "base/fuzz.h"
#include "runner/jar.h"

static void write_again(const jar *j)
{
    fuzz_accepted++;
    buf first, second;
    buf_init(&first, 16 << 20);
    buf_init(&second, 16 << 20);
    jar *again = jar_new();
    jar_write(j, &first);
    if (jar_read(again, buf_str(&first), NULL) != OK)
        abort();
    jar_write(again, &second);
    if (!str_eq(buf_str(&first), buf_str(&second)))
        abort();
    jar_free(again);
    buf_deinit(&first);
    buf_deinit(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    uri_url u;
    js_cookie *found;
    arena a;
    arena_init(&a);
    jar *j = jar_new();
    if (url_parse(&a, STR("http://a.example/x/"), &u, NULL) != OK)
        abort();
    if (jar_read(j, text, NULL) == OK)
        write_again(j);
    else if (jar_set(j, &u, text) && jar_find(j, &a, &u, &found) > 1)
        abort();
    jar_free(j);
    arena_deinit(&a);
    return 0;
}
