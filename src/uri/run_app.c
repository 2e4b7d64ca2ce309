// SPDX-License-Identifier: Apache-2.0
#include "uri/uri.h"

enum { LABEL_MAX = 63 };

// Codes of the first form. Google documents them only by the URLs it hands out.
static const struct region {
    const char *name, *code;
} regions[] = {
    {"africa-south1", "bq"},
    {"asia-east1", "de"},
    {"asia-east2", "df"},
    {"asia-northeast1", "an"},
    {"asia-northeast2", "dt"},
    {"asia-northeast3", "du"},
    {"asia-south1", "el"},
    {"asia-south2", "em"},
    {"asia-southeast1", "as"},
    {"asia-southeast2", "et"},
    {"australia-southeast1", "ts"},
    {"australia-southeast2", "km"},
    {"europe-central2", "lm"},
    {"europe-north1", "lz"},
    {"europe-southwest1", "no"},
    {"europe-west1", "ew"},
    {"europe-west2", "nw"},
    {"europe-west3", "ey"},
    {"europe-west4", "ez"},
    {"europe-west6", "oa"},
    {"europe-west8", "oc"},
    {"europe-west9", "od"},
    {"europe-west12", "og"},
    {"me-central1", "ww"},
    {"me-west1", "zf"},
    {"northamerica-northeast1", "nn"},
    {"northamerica-northeast2", "pd"},
    {"southamerica-east1", "rj"},
    {"southamerica-west1", "tl"},
    {"us-central1", "uc"},
    {"us-east1", "ue"},
    {"us-east4", "uk"},
    {"us-east5", "ul"},
    {"us-south1", "vp"},
    {"us-west1", "uw"},
    {"us-west2", "wl"},
    {"us-west3", "wm"},
    {"us-west4", "wn"},
};

bool run_region_code(str region, str *ret_code)
{
    for (size_t i = 0; i < ARRAY_LEN(regions); i++) {
        if (!str_eq(region, str_from(regions[i].name)))
            continue;
        *ret_code = str_from(regions[i].code);
        return true;
    }
    return false;
}

static bool all_digits(str s)
{
    uint64_t value;
    return s.len && str_to_u64(s, &value);
}

static bool all_alnum(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_alnum(s.ptr[i]))
            return false;
    return s.len > 0;
}

// Splits at the last '-'.
static bool cut_last(str s, str *ret_head, str *ret_tail)
{
    ssize_t dash = str_rchr(s, '-');
    if (dash <= 0)
        return false;
    *ret_tail = str_skip(s, (size_t)dash + 1);
    *ret_head = str_sub(s, 0, (size_t)dash);
    return ret_tail->len > 0;
}

static str cut_tag(str label, str *ret_rest)
{
    ssize_t at = str_find(label, STR("---"));
    *ret_rest = at > 0 ? str_skip(label, (size_t)at + 3) : label;
    return at > 0 ? str_sub(label, 0, (size_t)at) : STR_NONE;
}

// HASH-CODE of the first form: `label` without the tag.
static bool parse_hash_form(str label, run_app *n)
{
    str head;
    return cut_last(label, &head, &n->region) && cut_last(head, &n->service, &n->hash) &&
           all_alnum(n->region) && all_alnum(n->hash);
}

bool run_app_parse(str name, run_app *ret_name)
{
    *ret_name = (run_app){0};
    str label, rest, domain, region;
    if (!str_cut(name, '.', &label, &rest))
        return false;
    ret_name->tag = cut_tag(label, &label);
    if (str_eq(rest, STR("a.run.app")))
        return parse_hash_form(label, ret_name);
    if (!str_cut(rest, '.', &region, &domain) || !str_eq(domain, STR("run.app")))
        return false;
    ret_name->region = region;
    return str_chr(region, '-') > 0 && cut_last(label, &ret_name->service, &ret_name->number) &&
           all_digits(ret_name->number);
}

void run_app_format(buf *out, const run_app *n)
{
    bool first_form = n->hash.len > 0;
    str region = n->region;
    if (first_form)
        run_region_code(n->region, &region); // a code stays as it is
    size_t around = n->tag.len + (n->tag.len ? 3 : 0) +
                    (first_form ? n->hash.len + region.len + 2 : n->number.len + 1);
    // The project's part must survive, so the service's name gives way.
    str service = str_sub(n->service, 0, around < LABEL_MAX ? LABEL_MAX - around : 0);
    if (n->tag.len)
        buf_addf(out, STR_FMT "---", STR_ARG(n->tag));
    buf_addf(out, STR_FMT "-", STR_ARG(service));
    if (first_form)
        buf_addf(out, STR_FMT "-" STR_FMT ".a.run.app", STR_ARG(n->hash), STR_ARG(region));
    else
        buf_addf(out, STR_FMT "." STR_FMT ".run.app", STR_ARG(n->number), STR_ARG(region));
}
