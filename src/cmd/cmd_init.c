// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/init_files.h"
#include "cmd/verbs.h"
#include "credential/credential.h"
#include "home/home.h"
#include "uri/uri.h"

enum { FILE_BYTES_MAX = 64 << 10 };

typedef struct start start;
struct start {
    arena arena;
    const char *dir;
    str id, region;
    str url; // of the service in the cloud; the local one's otherwise
    bool cloud;
};

// In the collection of a local project the stranger's request follows.
static const char stranger_request[] =
    ",\n"
    "        {\n"
    "          \"name\": \"as a stranger\",\n"
    "          \"request\": {\"method\": \"GET\", \"url\": \"{{baseUrl}}/\"},\n"
    "          \"event\": [{\"listen\": \"test\", \"script\": {\"exec\": [\n"
    "            \"pm.test('a stranger may not call', () => pm.response.to.have.status(403));\"\n"
    "          ]}}]\n"
    "        }";

static bool value_of(const start *s, str name, str *ret_value)
{
    const struct {
        str name, value;
    } values[] = {
        {STR("id"), s->id},
        {STR("region"), s->region},
        {STR("url"), s->url},
        {STR("stranger"), s->cloud ? STR("") : str_from(stranger_request)},
    };
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        if (!str_eq(values[i].name, name))
            continue;
        *ret_value = values[i].value;
        return true;
    }
    return false;
}

// Other {{names}} are the collection's own and stay.
static void fill_in(const start *s, str text, buf *out)
{
    for (ssize_t at; (at = str_find(text, STR("{{"))) >= 0;) {
        str inside = str_skip(text, (size_t)at + 2), value;
        ssize_t end = str_find(inside, STR("}}"));
        str name = str_sub(inside, 0, end < 0 ? 0 : (size_t)end);
        buf_adds(out, str_sub(text, 0, (size_t)at));
        if (value_of(s, name, &value))
            buf_adds(out, value);
        else
            buf_addf(out, "{{" STR_FMT "}}", STR_ARG(name));
        text = str_skip(inside, name.len + 2);
    }
    buf_adds(out, text);
}

static const char *path_of(start *s, const init_file *f)
{
    return arena_printf(&s->arena, "%s/%s", s->dir, f->name).ptr;
}

// Nothing is written unless all of it can be.
static code nothing_there(start *s, const init_file *files, err *e)
{
    for (const init_file *f = files; f->name; f++) {
        struct stat st;
        if (lstat(path_of(s, f), &st) != 0)
            continue;
        err_set(e, OPTION_INVALID, "%s exists already", path_of(s, f));
        return err_hint(e, "choose an empty folder: gatepost init FOLDER");
    }
    return OK;
}

static code write_all(start *s, const init_file *files, FILE *out, err *e)
{
    code c = nothing_there(s, files, e);
    if (c == OK && mkdir(s->dir, 0777) != 0 && errno != EEXIST)
        c = err_sys(e, HOME_WRITE, errno, "the folder %s can't be made", s->dir);
    for (const init_file *f = files; c == OK && f->name; f++) {
        buf text;
        buf_init(&text, FILE_BYTES_MAX);
        fill_in(s, str_from(f->text), &text);
        c = home_write(path_of(s, f), buf_str(&text), 0644, e);
        buf_deinit(&text);
        if (c == OK)
            fprintf(out, "wrote %s\n", path_of(s, f));
    }
    return c;
}

// What lies at `rest` in the folder, as a shell takes it.
static const char *shell_word(start *s, const char *rest)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_@%+=:,./-";
    const char *path = arena_printf(&s->arena, "%s%s", s->dir, rest).ptr;
    if (!path[strspn(path, plain)])
        return path;
    buf word;
    buf_init(&word, FILE_BYTES_MAX);
    buf_addc(&word, '\'');
    for (; *path; path++)
        if (*path == '\'')
            buf_addz(&word, "'\\''");
        else
            buf_addc(&word, *path);
    buf_addc(&word, '\'');
    const char *kept = arena_cstr(&s->arena, buf_str(&word));
    buf_deinit(&word);
    return kept;
}

// ---- The two kinds

static code trust_service(start *s, FILE *out, err *e)
{
    trust_store *store = NULL;
    uri_url u;
    buf origin;
    buf_init(&origin, FILE_BYTES_MAX);
    code c = url_parse(&s->arena, s->url, &u, e);
    if (c == OK) {
        uri_origin o = url_origin(&u);
        origin_format(&origin, &o);
        c = trust_read(arena_str(&s->arena, buf_str(&origin)), "--service", &s->arena, &s->url, e);
    }
    if (c == OK)
        c = trust_store_load(&store, e);
    if (c == OK)
        c = trust_store_add(store, s->url, e);
    if (c == OK)
        fprintf(out, "trusted " STR_FMT "\n", STR_ARG(s->url));
    trust_store_free(store);
    buf_deinit(&origin);
    return c;
}

// The URL that 'gatepost up' will give the service: number and hash follow from the id.
static code local_url(start *s, err *e)
{
    const home_project *project;
    buf text;
    buf_init(&text, FILE_BYTES_MAX);
    fill_in(s, str_from(init_local[0].text), &text);
    code c = project_read(&s->arena, arena_str(&s->arena, buf_str(&text)), &project, e);
    buf_deinit(&text);
    if (c != OK) { // --project or --region
        e->code = OPTION_INVALID;
        e->line = e->col = 0;
        return OPTION_INVALID;
    }
    run_app name = {.service = STR("hello"), .hash = project->project_hash, .region = s->region};
    buf host;
    buf_init(&host, FILE_BYTES_MAX);
    run_app_format(&host, &name);
    s->url = arena_printf(&s->arena, "https://" STR_FMT, STR_ARG(buf_str(&host)));
    buf_deinit(&host);
    return OK;
}

static code init_here(start *s, FILE *out, err *e)
{
    code c = local_url(s, e);
    if (c == OK)
        c = write_all(s, init_local, out, e);
    if (c == OK)
        fprintf(out,
                "\nTry:\n  gatepost up %s &\n"
                "  gatepost run --local %s\n",
                shell_word(s, ""), shell_word(s, "/hello.postman_collection.json"));
    return c;
}

static code init_there(start *s, FILE *out, err *e)
{
    code c = nothing_there(s, init_cloud, e);
    if (c == OK)
        c = trust_service(s, out, e);
    if (c == OK)
        c = write_all(s, init_cloud, out, e);
    if (c == OK)
        fprintf(out,
                "\nTry:\n  gatepost whoami\n"
                "  gatepost run %s\n",
                shell_word(s, "/hello.postman_collection.json"));
    return c;
}

static code run_init(cmd_call *call, err *e)
{
    const option_values *o = call->options;
    const str_list *args = option_args(o);
    start s = {
        .dir = args->len ? args->ptr[0].ptr : ".",
        .id = option_text(o, "project"),
        .region = option_text(o, "region"),
        .url = option_text(o, "service"),
        .cloud = option_is_set(o, "service"),
    };
    arena_init(&s.arena);
    code c = s.cloud ? init_there(&s, call->out, e) : init_here(&s, call->out, e);
    arena_deinit(&s.arena);
    return c;
}

static const option_row rows[] = {
    {.name = "service",
     .kind = OPTION_TEXT,
     .value = "URL",
     .help = "A service that runs already: trust it, and write a collection that calls it"},
    {.name = "project",
     .kind = OPTION_TEXT,
     .value = "ID",
     .def = "my-project",
     .env = "CLOUDSDK_CORE_PROJECT",
     .help = "The project's id"},
    {.name = "region",
     .kind = OPTION_TEXT,
     .value = "REGION",
     .def = "us-central1",
     .env = "CLOUDSDK_RUN_REGION",
     .help = "The project's region"},
    {0},
};
static const option_row *const tables[] = {rows, cmd_common, NULL};

static const command_spec spec = {
    .name = "init",
    .args = "[FOLDER]",
    .args_max = 1,
    .summary = "Begin a project: a project file, a service, a collection that calls it",
    .about =
        "Writes gatepost.yaml with two accounts, a small private service and a collection that "
        "tests it. With --service it trusts a service that runs already and writes a "
        "collection for it. Existing files are never overwritten.",
    .example = "gatepost init hello\ngatepost init --service https://orders-abc123-uc.a.run.app",
    .tables = tables,
};

const verb verb_init = {.spec = &spec, .group = VERB_TEST, .run = run_init};
