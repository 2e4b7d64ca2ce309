// SPDX-License-Identifier: Apache-2.0
#include "cel/regex.h"

#include <cstdio>
#include <re2/re2.h>

struct cel_regex {
    RE2 re;
    cel_regex(const re2::StringPiece &pattern, const RE2::Options &options) : re(pattern, options)
    {
    }
};

cel_regex *cel_regex_new(const char *pattern, size_t len, size_t max_bytes, char ret_why[128])
{
    RE2::Options options;
    options.set_log_errors(false);
    options.set_never_capture(true);
    options.set_max_mem(static_cast<int64_t>(max_bytes));
    auto *r = new cel_regex(re2::StringPiece(pattern, len), options);
    if (r->re.ok())
        return r;
    std::snprintf(ret_why, 128, "%s", r->re.error().c_str());
    delete r;
    return nullptr;
}

void cel_regex_free(cel_regex *r)
{
    delete r;
}

bool cel_regex_find(const cel_regex *r, const char *text, size_t len)
{
    return RE2::PartialMatch(re2::StringPiece(text, len), r->re);
}
