// SPDX-License-Identifier: Apache-2.0
// result: how what happened is added up. Private to the room.
#pragma once

#include "load/load.h"

typedef struct result result;
struct result {
    load_result told;
    load_row *rows;
    uint64_t started_ns;
    load_point *point; // of this moment
};

void result_init(result *r, const pm_collection *c);
void result_deinit(result *r);
void result_begin(result *r, uint64_t now_ns);
// So far it has gone on.
void result_now(result *r, uint64_t now_ns);
// A request has ended; status 0: without an answer.
void result_request(result *r, const pm_item *item, uint64_t now_ns, uint64_t us, int status,
                    uint64_t bytes);
// One that was counted has failed.
void result_failed(result *r, const pm_item *item, str reason);
void result_users(result *r, uint32_t users, uint32_t working);
