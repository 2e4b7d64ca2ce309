// SPDX-License-Identifier: Apache-2.0
// Which part of a run is done, and what is done again.
#include <stdlib.h>

#include "cmd/run.h"
#include "report/report_saved.h"

enum { SHARDS_MAX = 100000, REPORT_BYTES_MAX = 1 << 30 };

static code read_shard(run_shard *ret, str text, err *e)
{
    str left, right;
    uint64_t index, count;
    bool whole =
        str_cut(text, '/', &left, &right) && str_to_u64(left, &index) && str_to_u64(right, &count);
    if (!whole || index < 1 || index > count || count > SHARDS_MAX) {
        (void)err_set(e, OPTION_INVALID, "--shard: '" STR_FMT "' is no part of a whole",
                      STR_ARG(text));
        return err_hint(e, "the second of three parts is --shard 2/3");
    }
    *ret = (run_shard){(uint32_t)index - 1, (uint32_t)count};
    return OK;
}

// A task of a Cloud Run job knows its part: the index counts from 0.
static void task_of_job(run_shard *ret)
{
    uint64_t index, count;
    bool known = str_to_u64(str_from(getenv("CLOUD_RUN_TASK_INDEX")), &index) &&
                 str_to_u64(str_from(getenv("CLOUD_RUN_TASK_COUNT")), &count);
    if (known && count > 1 && index < count && count <= SHARDS_MAX)
        *ret = (run_shard){(uint32_t)index, (uint32_t)count};
}

// "429", "5xx", "connect"
static bool read_condition(str text, uint16_t range[2], bool *ret_connect)
{
    uint64_t status;
    if (str_eq(text, STR("connect"))) {
        *ret_connect = true;
        return true;
    }
    bool family = text.len == 3 && str_iends(text, STR("xx")) && ascii_is_digit(text.ptr[0]);
    if (!family && (!str_to_u64(text, &status) || status < 100 || status > 599))
        return false;
    range[0] = (uint16_t)(family ? (text.ptr[0] - '0') * 100 : (int)status);
    range[1] = (uint16_t)(family ? range[0] + 99 : range[0]);
    return true;
}

static code read_retry(run_retry *ret, arena *a, const option_values *o, err *e)
{
    str list = option_text(o, "retry-on");
    uint16_t(*ranges)[2] = arena_array(a, list.len + 1, sizeof(*ranges));
    *ret = (run_retry){.times = (uint32_t)option_int(o, "retry")};
    for (str one; str_next(&list, ',', &one);) {
        bool connect = false;
        if (!read_condition(one, ranges[ret->status_count], &connect)) {
            (void)err_set(e, OPTION_INVALID, "--retry-on: '" STR_FMT "' is no reason to retry",
                          STR_ARG(one));
            return err_hint(e, "reasons are statuses (429), families of them (5xx) and connect");
        }
        ret->connect = ret->connect || connect;
        ret->status_count += !connect;
    }
    ret->statuses = (const uint16_t(*)[2])ranges;
    return OK;
}

static code read_picks(run_parts *ret, arena *a, const char *path, const run_inputs *in, err *e)
{
    str text;
    report_saved *report;
    if (in->collection_count > 1)
        return err_set(e, OPTION_ARGS, "--only-failed runs one collection");
    code c = file_read(a, path, REPORT_BYTES_MAX, &text, e);
    if (c == OK)
        c = report_saved_read(a, text, path, &report, e);
    if (c == OK)
        c = report_saved_picks(a, report, in->collections[0], &ret->picks, &ret->pick_count, e);
    return c;
}

code run_parts_read(run_parts *ret, arena *a, const option_values *o, const run_inputs *in, err *e)
{
    code c = OK;
    *ret = (run_parts){0};
    if (option_is_set(o, "shard"))
        c = read_shard(&ret->shard, option_text(o, "shard"), e);
    else
        task_of_job(&ret->shard);
    if (c == OK)
        c = read_retry(&ret->retry, a, o, e);
    if (c == OK && option_is_set(o, "only-failed"))
        c = read_picks(ret, a, option_cstr(o, "only-failed"), in, e);
    return c;
}
