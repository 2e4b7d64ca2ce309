// SPDX-License-Identifier: Apache-2.0
// Any text as a collection: what loads is asked everything that a run asks, and each request is
// prepared. fetch checks the bytes of method, URL and headers; what it relies on is checked here.
#include <stdlib.h>

#include "base/fuzz.h"
#include "postman/postman.h"
#include "uri/uri.h"

static void check_call(arena *a, const pm_call *call)
{
    uint64_t bytes = 0;
    uri_url u;
    VEC_FOREACH (&call->body, s)
        bytes += s->len;
    if (bytes != call->body_bytes)
        abort();
    VEC_FOREACH (&call->headers, h)
        if (!h->name.len)
            abort();
    // The userinfo has become a header, the fragment stays here.
    if (url_parse(a, call->url, &u, NULL) == OK && (u.has_userinfo || u.has_fragment))
        abort();
}

// An origin of {{$random…}} is another one each time that it is asked for.
static bool may_be_random(str text)
{
    return str_chr(text, '$') >= 0 || str_ifind(text, STR("u0024")) >= 0;
}

static void prepare(const pm_item *item, const pm_scopes *scopes, const pm_folder *folder,
                    bool random)
{
    arena a;
    arena_init(&a);
    pm_prepare_options o = {.scopes = scopes,
                            .auth = pm_item_auth(item),
                            .behavior = pm_item_behavior(item),
                            .folder = folder};
    pm_call call;
    str origin;
    err e = ERR_INIT;
    if (pm_prepare(&a, item->request, &o, &call, &e) == OK) {
        check_call(&a, &call);
        code c = pm_origin(&a, item->request, scopes, &origin, NULL);
        if (!random && (c != OK || !str_starts(call.url, origin)))
            abort();
    } else if (!e.msg[0] || call.body.len) {
        abort();
    }
    pm_call_deinit(&call);
    arena_deinit(&a);
}

static void run(const pm_collection *c, const pm_folder *folder, bool random)
{
    const pm_script *scripts[8];
    pm_scope *variables = pm_scope_new(STR_NONE, STR("collection"));
    pm_scopes scopes = {{NULL, NULL, NULL, variables, NULL}};
    (void)!pm_scope_add(variables, c->variables, NULL);
    for (uint32_t i = 0; i < c->request_count && i < 50; i++) {
        const pm_item *item = c->requests[i];
        if (item->index != i || !pm_item_find(c, item->id))
            abort();
        pm_item_scripts(item, PM_TEST, scripts, ARRAY_LEN(scripts));
        prepare(item, &scopes, folder, random);
    }
    pm_scope_free(variables);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static pm_folder *folder;
    if (!folder && pm_folder_new("/proc/self/fdinfo", NULL, 0, &folder, NULL) != OK)
        abort();
    arena a;
    arena_init(&a);
    pm_collection *c;
    err e = ERR_INIT;
    str text = {(const char *)data, size};
    if (pm_collection_read(&a, text, "fuzz", &c, &e) == OK) {
        fuzz_accepted++;
        run(c, folder, may_be_random(text));
    } else if (!e.msg[0]) {
        abort();
    }
    arena_deinit(&a);
    return 0;
}
