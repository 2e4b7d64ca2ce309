// SPDX-License-Identifier: Apache-2.0
// A call against examples of every kind. The input: target, content type and headers to match, each
// up to a newline, then the body.
#include "base/fuzz.h"
#include "mock/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char collection[] =
    "{\"info\":{\"name\":\"c\"},\"item\":[{\"name\":\"r\",\"request\":\"http://h/a\",\"response\":["
    "{\"name\":\"form\",\"originalRequest\":{\"method\":\"POST\",\"url\":\"{{b}}/f/:id\",\"body\":"
    "{\"mode\":\"urlencoded\",\"urlencoded\":[{\"key\":\"a\",\"value\":\"1\"}]}}},"
    "{\"name\":\"parts\",\"originalRequest\":{\"method\":\"POST\",\"url\":\"{{b}}/p/x{{n}}.{{m}}\","
    "\"body\":{\"mode\":\"formdata\",\"formdata\":[{\"key\":\"a\",\"value\":\"1\"}]}}},"
    "{\"name\":\"graph\",\"originalRequest\":{\"method\":\"POST\",\"url\":\"{{b}}/g?q={{q}}\","
    "\"body\":{\"mode\":\"graphql\",\"graphql\":{\"query\":\"{a}\",\"variables\":\"{}\"}}}},"
    "{\"name\":\"raw\",\"originalRequest\":{\"method\":\"POST\",\"url\":\"{{b}}/r\",\"header\":"
    "[{\"key\":\"X-A\",\"value\":\"1\"}],\"body\":{\"mode\":\"raw\",\"raw\":\"{\\\"a\\\":[1]}\"}}}"
    "]}]}";

static const char text[] =
    "{{id}} {{n}} {{q}} {{$body}} {{$body 'a[0].b' 'd'}} {{$queryParams 'q'}} "
    "{{$headers 'content-type'}} {{$pathSegments '1'}} {{v}}";

static void answer(const mock_examples *x, mock_answer *a)
{
    buf out;
    mock_find(x, &a->ask, a->mem, &a->match);
    fuzz_accepted += a->match.example != NULL;
    for (mock_kind kind = MOCK_TEXT; a->match.example && kind <= MOCK_MARKUP; kind++) {
        buf_init(&out, 1 << 20);
        mock_fill(a, kind, str_from(text), &out);
        buf_deinit(&out);
    }
    vec_deinit(&a->match.captures);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arena mem;
    pm_collection *c;
    mock_notes notes = {0};
    str rest = {(const char *)data, size}, target, type;
    arena_init(&mem);
    pm_scope *variables = pm_scope_new(STR("v"), STR("v"));
    const pm_scopes scopes = {{variables}};
    if (pm_scope_set_text(variables, STR("b"), STR("http://h/base"), NULL) ||
        pm_collection_read(&mem, str_from(collection), "c.json", &c, NULL))
        abort();
    http_headers headers = {0};
    mock_answer a = {.mem = &mem, .scopes = &scopes};
    a.ask = (mock_ask){.method = STR("POST"), .headers = &headers};
    str_cut(rest, '\n', &target, &rest);
    str_cut(rest, '\n', &type, &rest);
    str_cut(rest, '\n', &a.ask.match_headers, &a.ask.body);
    str_cut(target, '?', &a.ask.path, &a.ask.query);
    http_headers_add(&headers, &mem, STR("Content-Type"), type);
    const mock_examples *examples = mock_examples_read(&mem, c, &scopes, &notes);
    a.ask.match_body = true;
    answer(examples, &a);
    a.ask.match_body = false;
    answer(examples, &a);
    vec_deinit(&notes);
    pm_scope_free(variables);
    arena_deinit(&mem);
    return 0;
}
