// SPDX-License-Identifier: Apache-2.0
// Identities of pools as they are kept with their tokens: what the provider made of the foreign
// token holds until ours expires.
#include "google/state.h"

enum { TEXT_BYTES_MAX = 64 << 10 };

str federated_text(const principal *p, arena *mem)
{
    buf b;
    buf_init(&b, TEXT_BYTES_MAX);
    jout w = jout_new(&b, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_str(&w, "issuer", p->issuer);
    jout_str(&w, "pool", p->pool);
    jout_str(&w, "subject", p->subject);
    jout_array(&w, "groups");
    for (size_t i = 0; i < p->group_count; i++)
        jout_str(&w, NULL, p->groups[i]);
    jout_end(&w);
    jout_object(&w, "attributes");
    for (size_t i = 0; i < p->attribute_count; i++) {
        jout_key(&w, p->attributes[i].name);
        jout_str(&w, NULL, p->attributes[i].value);
    }
    jout_end(&w);
    jout_end(&w);
    str text = arena_str(mem, buf_str(&b));
    buf_deinit(&b);
    return text;
}

void federated_read(str text, arena *mem, principal *p)
{
    json *root = NULL;
    *p = (principal){.kind = PRINCIPAL_WORKLOAD};
    if (json_parse(mem, text, NULL, &root, NULL)) // ours: a name that no policy has
        return;
    const json *groups = json_get(root, "groups"), *attributes = json_get(root, "attributes");
    str *names = arena_array(mem, groups ? groups->len : 0, sizeof(*names));
    principal_attribute *pairs = arena_array(mem, attributes ? attributes->len : 0, sizeof(*pairs));
    p->issuer = json_str_or(json_get(root, "issuer"), STR_NONE);
    p->pool = json_str_or(json_get(root, "pool"), STR_NONE);
    p->subject = json_str_or(json_get(root, "subject"), STR_NONE);
    JSON_EACH (groups, v)
        names[p->group_count++] = json_str_or(v, STR_NONE);
    JSON_EACH (attributes, v)
        pairs[p->attribute_count++] = (principal_attribute){v->key, json_str_or(v, STR_NONE)};
    p->groups = names;
    p->attributes = pairs;
}
