// SPDX-License-Identifier: Apache-2.0
// Reading collections: what is written is checked once, here, so that all later code can rely on
// it.
#include "postman/collection.h"

#include "postman/postman.h"

enum { COLLECTION_BYTES_MAX = 256 << 20, JSON_LEVELS_MAX = 4 * PM_DEPTH_MAX };

typedef struct reader reader;
struct reader {
    arena *arena;
    pm_collection *collection;
    VEC(const pm_item *) requests;
    uint32_t items;
};

static str text_of(const json *v)
{
    return json_is(v, JSON_STRING) || json_is(v, JSON_NUMBER) ? v->text : STR_NONE;
}

static str given_or_new_id(arena *a, const json *obj)
{
    char uuid[RAND_UUID_MAX];
    str id = text_of(json_get(obj, "id"));
    if (!id.len)
        id = text_of(json_get(obj, "_postman_id"));
    if (id.len)
        return id;
    rand_uuid(uuid);
    return arena_str(a, str_from(uuid));
}

// ---- scripts

static str join_lines(arena *a, const json *exec)
{
    if (!json_is(exec, JSON_ARRAY))
        return json_str_or(exec, STR_NONE);
    buf b;
    buf_init(&b, COLLECTION_BYTES_MAX);
    JSON_EACH (exec, line) {
        if (line != json_first(exec))
            buf_addc(&b, '\n');
        buf_adds(&b, text_of(line));
    }
    str source = arena_str(a, buf_str(&b));
    buf_deinit(&b);
    return source;
}

static void read_event(reader *r, pm_item *item, const json *event, pm_script **tails[])
{
    const json *script = json_get(event, "script"), *listen = json_get(event, "listen");
    pm_listen kind = json_is_str(listen, "prerequest") ? PM_PREREQUEST : PM_TEST;
    if ((kind == PM_TEST && !json_is_str(listen, "test")) || !script ||
        json_is(script, JSON_NULL) || json_bool_or(json_get(event, "disabled"), false))
        return;
    pm_script *s = ARENA_NEW(r->arena, pm_script);
    s->owner = item;
    s->id = given_or_new_id(r->arena, script);
    s->source =
        join_lines(r->arena, json_is(script, JSON_OBJECT) ? json_get(script, "exec") : script);
    *tails[kind] = s;
    tails[kind] = &s->next;
}

// ---- items

static code read_members(reader *r, pm_item *folder, const json *list, err *e);

static code read_own(reader *r, pm_item *item, const json *raw, err *e)
{
    const json *events = json_get(raw, "event"), *auth = json_get(raw, "auth");
    pm_script **tails[] = {&item->scripts[PM_PREREQUEST], &item->scripts[PM_TEST]};
    item->raw = raw;
    if (events && events->type != JSON_NULL && events->type < JSON_ARRAY)
        return json_err(events, e, DATA_TYPE, "must be an array, not %s",
                        json_type_name(events->type));
    if (json_is(events, JSON_OBJECT)) { // the only one, without a list
        read_event(r, item, events, tails);
        events = NULL;
    }
    JSON_EACH (events, m) {
        if (json_is(m, JSON_OBJECT))
            read_event(r, item, m, tails);
    }
    item->auth = pm_auth_normal(r->arena, auth);
    item->behavior = json_get(raw, "protocolProfileBehavior");
    return OK;
}

static code neither(const json *raw, err *e)
{
    (void)json_err(raw, e, DATA_MISSING, "is neither a request nor a folder");
    return err_hint(e, "a request has 'request', a folder has 'item'");
}

static code read_request(reader *r, pm_item *item, const json *raw, err *e)
{
    const json *request = json_get(raw, "request");
    if (!request || json_is(request, JSON_NULL))
        return neither(raw, e);
    if (!json_is(request, JSON_OBJECT) && !json_is(request, JSON_STRING)) {
        (void)json_err(request, e, DATA_TYPE, "must be an object or a URL, not %s",
                       json_type_name(request->type));
        return err_hint(e, "write the URL in quotes, or an object with a 'url'");
    }
    item->request = pm_request_normal(r->arena, request);
    char *text = json_text(item->request, JSON_COMPACT);
    item->request_text = arena_str(r->arena, str_from(text));
    free(text);
    if (!item->description.len)
        item->description = pm_description(json_get(item->request, "description"));
    const json *auth = json_get(item->request, "auth");
    if (auth)
        item->auth = auth;
    item->index = (uint32_t)r->requests.len;
    vec_push(&r->requests, item);
    return OK;
}

static code read_item(reader *r, pm_item *parent, const json *raw, pm_item **ret, err *e)
{
    if (json_want(raw, JSON_OBJECT, e) != OK)
        return DATA_TYPE;
    if (++r->items > PM_ITEMS_MAX)
        return json_err(raw, e, PM_LIMIT, "the collection has more than %d items", PM_ITEMS_MAX);
    pm_item *item = *ret = ARENA_NEW(r->arena, pm_item);
    const json *members = json_get(raw, "item");
    item->id = given_or_new_id(r->arena, raw);
    item->name = text_of(json_get(raw, "name"));
    item->description = pm_description(json_get(raw, "description"));
    item->parent = parent;
    item->depth = parent->depth + 1;
    code c = read_own(r, item, raw, e);
    if (c != OK)
        return c;
    if (!members || json_is(members, JSON_NULL))
        return read_request(r, item, raw, e);
    item->folder = true;
    return read_members(r, item, members, e);
}

static code read_members(reader *r, pm_item *folder, const json *list, err *e)
{
    pm_item **tail = &folder->first;
    if (!list || json_is(list, JSON_NULL))
        return OK;
    if (json_want(list, JSON_ARRAY, e) != OK)
        return DATA_TYPE;
    if (folder->depth >= PM_DEPTH_MAX)
        return json_err(list, e, PM_LIMIT, "folders are nested deeper than %d", PM_DEPTH_MAX);
    JSON_EACH (list, m) {
        if (json_is(m, JSON_NULL))
            continue;
        code c = read_item(r, folder, m, tail, e);
        if (c != OK)
            return c;
        tail = &(*tail)->next;
    }
    return OK;
}

// ---- the document

// "{"collection": {…}}" → "{…}".
static const json *unwrap(const json *root, const char *name)
{
    const json *inner = json_get(root, name);
    return json_is(inner, JSON_OBJECT) ? inner : root;
}

static bool is_v1(const json *doc)
{
    return json_is(json_get(doc, "requests"), JSON_ARRAY) && !json_get(doc, "item");
}

// What the file is instead, for the hint.
static const char *other_kind(const json *doc)
{
    if (json_get(doc, "openapi") || json_get(doc, "swagger"))
        return "this is an OpenAPI description: import it into Postman and export the collection";
    if (json_get(doc, "values"))
        return "this is an environment or globals file: it goes behind -e or -g";
    if (json_get(json_get(doc, "log"), "entries"))
        return "this is a HAR file: import it into Postman and export the collection";
    if (json_get(doc, "private_key") || json_get(doc, "refresh_token"))
        return "this is a credential: it goes nowhere near a collection";
    return "export it from Postman as Collection v2.1";
}

static code check_kind(const json *doc, err *e)
{
    bool described = json_get(doc, "openapi") || json_get(doc, "swagger"); // has an 'info' as well
    bool collection = json_is(doc, JSON_ARRAY) ||
                      (json_is(doc, JSON_OBJECT) && !described &&
                       (!doc->len || json_get(doc, "item") || json_get(doc, "info") || is_v1(doc)));
    if (collection)
        return OK;
    json_err(doc, e, PM_COLLECTION, "this isn't a Postman collection");
    return err_hint(e, "%s", other_kind(doc));
}

static code read_document(reader *r, const json *doc, err *e)
{
    pm_collection *c = r->collection;
    const json *info = json_get(doc, "info"), *variables = json_get(doc, "variable");
    pm_item *root = c->root = ARENA_NEW(r->arena, pm_item);
    c->raw = doc;
    c->variables = json_is(variables, JSON_ARRAY) ? variables : NULL;
    root->folder = true;
    root->id = given_or_new_id(r->arena, json_is(info, JSON_OBJECT) ? info : doc);
    root->name = text_of(json_get(info, "name"));
    root->description = pm_description(json_get(info, "description"));
    code status = read_own(r, root, doc, e);
    return status == OK ? read_members(r, root, json_get(doc, "item"), e) : status;
}

CODE_CHECKED pm_collection_read(arena *a, str text, const char *file, pm_collection **ret, err *e)
{
    json *root;
    json_opts opts = {.file = file,
                      .bytes_max = COLLECTION_BYTES_MAX,
                      .depth_max = JSON_LEVELS_MAX,
                      .tolerant = true};
    code c = json_parse(a, text, &opts, &root, e);
    if (c != OK)
        return c;
    const json *doc = unwrap(root, "collection");
    c = check_kind(doc, e);
    if (c != OK)
        return c;
    reader r = {.arena = a, .collection = ARENA_NEW(a, pm_collection)};
    if (json_is(doc, JSON_ARRAY))
        doc = json_new(a, JSON_OBJECT);
    if (is_v1(doc)) {
        doc = pm_convert_v1(a, doc);
        r.collection->converted = "v1";
    }
    c = read_document(&r, doc, e);
    r.collection->request_count = (uint32_t)r.requests.len;
    r.collection->requests = arena_array(a, r.requests.len + 1, sizeof(const pm_item *));
    for (size_t i = 0; i < r.requests.len; i++)
        r.collection->requests[i] = r.requests.ptr[i];
    vec_deinit(&r.requests);
    *ret = r.collection;
    return c;
}

static code not_values(const json *doc, const char *what, err *e)
{
    (void)json_err(doc, e, PM_VALUES, "%s must be an object, not %s", what,
                   json_type_name(doc->type));
    return err_hint(e, "write {\"values\": [{\"key\": NAME, \"value\": VALUE}]}");
}

// ---- the other files

CODE_CHECKED pm_values_read(arena *a, str text, const char *file, const char *what, pm_values *ret,
                            err *e)
{
    json *root;
    json_opts opts = {.file = file, .bytes_max = COLLECTION_BYTES_MAX, .tolerant = true};
    code c = json_parse(a, text, &opts, &root, e);
    if (c != OK)
        return c;
    const json *doc = unwrap(unwrap(root, "environment"), "globals");
    const json *values = json_is(doc, JSON_ARRAY) ? doc : json_get(doc, "values");
    if (!json_is(doc, JSON_ARRAY) && !json_is(doc, JSON_OBJECT))
        return not_values(doc, what, e);
    if (json_is(doc, JSON_OBJECT) && doc->len && !json_is(values, JSON_ARRAY)) {
        json_err(doc, e, PM_VALUES, "%s has no list 'values' of variables", what);
        return err_hint(e, json_get(doc, "item") ? "this is a collection: it is the argument of "
                                                   "'gatepost run'"
                                                 : "write {\"values\": [{\"key\": NAME, "
                                                   "\"value\": VALUE}]}");
    }
    *ret = (pm_values){
        .id = given_or_new_id(a, doc), .name = text_of(json_get(doc, "name")), .values = values};
    return OK;
}

static bool looks_like_json(str text)
{
    text = str_trim(str_starts(text, STR("\xef\xbb\xbf")) ? str_skip(text, 3) : text);
    return text.len && (text.ptr[0] == '[' || text.ptr[0] == '{');
}

static code bad_row(const json *row, err *e)
{
    (void)json_err(row, e, PM_DATA, "each row must be an object, not %s",
                   json_type_name(row->type));
    return err_hint(e, "write [{\"NAME\": VALUE}, …]: an object for each iteration");
}

CODE_CHECKED pm_data_read(arena *a, str text, const char *file, bool as_text, const json **ret_rows,
                          err *e)
{
    json *rows = NULL;
    json_opts opts = {.file = file, .bytes_max = COLLECTION_BYTES_MAX, .tolerant = true};
    err not_json = ERR_INIT;
    code c = json_parse(a, text, &opts, &rows, &not_json);
    // What begins as JSON does is meant so: the slip in it is what the person wants to know of.
    if (c == DATA_SYNTAX && !looks_like_json(text))
        c = csv_parse(a, text, &opts, as_text, &rows, e);
    else if (c != OK && e)
        *e = not_json;
    if (c != OK)
        return c;
    if (!json_is(rows, JSON_ARRAY)) {
        json_err(rows, e, PM_DATA, "iteration data must be an array of objects, not %s",
                 json_type_name(rows->type));
        return err_hint(e, "put the object in brackets: [ {…} ]");
    }
    JSON_EACH (rows, row) {
        if (!json_is(row, JSON_OBJECT))
            return bad_row(row, e);
    }
    *ret_rows = rows;
    return OK;
}
