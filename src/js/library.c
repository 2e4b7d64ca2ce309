// SPDX-License-Identifier: Apache-2.0
// The prelude and the libraries of sandbox/, compiled to bytecode when the worker was built.
#include "js/worker.h"

// name in JavaScript, name in C; src/js/meson.build makes NAME_code and NAME_code_size of each.
#define LIBRARIES(X)                                                                               \
    X("prelude", prelude)                                                                          \
    X("ajv", ajv)                                                                                  \
    X("assert", assert)                                                                            \
    X("backbone", backbone)                                                                        \
    X("buffer", buffer)                                                                            \
    X("chai", chai)                                                                                \
    X("cheerio", cheerio)                                                                          \
    X("crypto-js", crypto_js)                                                                      \
    X("csv-parse", csv_parse)                                                                      \
    X("events", events)                                                                            \
    X("lodash", lodash)                                                                            \
    X("lodash3", lodash3)                                                                          \
    X("moment", moment)                                                                            \
    X("path", path)                                                                                \
    X("postman-collection", postman_collection)                                                    \
    X("punycode", punycode)                                                                        \
    X("querystring", querystring)                                                                  \
    X("stream", stream)                                                                            \
    X("string_decoder", string_decoder)                                                            \
    X("sugar", sugar)                                                                              \
    X("tv4", tv4)                                                                                  \
    X("url", url)                                                                                  \
    X("util", util)                                                                                \
    X("xml2js", xml2js)

#define DECLARE(name, symbol)                                                                      \
    extern const uint32_t symbol##_code_size;                                                      \
    extern const uint8_t symbol##_code[];
LIBRARIES(DECLARE)

#define ROW(name, symbol) {STR(name), symbol##_code, &symbol##_code_size},
static const struct {
    str name;
    const uint8_t *code;
    const uint32_t *size;
} libraries[] = {LIBRARIES(ROW)};

JSValue library_load(JSContext *ctx, str name, JSValueConst require)
{
    for (size_t i = 0; i < ARRAY_LEN(libraries); i++) {
        if (!str_eq(libraries[i].name, name))
            continue;
        JSValue bytecode =
            JS_ReadObject(ctx, libraries[i].code, *libraries[i].size, JS_READ_OBJ_BYTECODE);
        JSValue make = JS_EvalFunction(ctx, bytecode);
        JSValue exports = JS_Call(ctx, make, JS_UNDEFINED, 1, &require);
        JS_FreeValue(ctx, make);
        return exports;
    }
    return JS_ThrowReferenceError(ctx, "there is no library '" STR_FMT "'", STR_ARG(name));
}
