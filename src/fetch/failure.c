// SPDX-License-Identifier: Apache-2.0
// What failures are to the one who made the call.
#include <errno.h>
#include <string.h>

#include "fetch/call.h"

const failure_row *failure_find(const failure_row *rows, size_t count, long key)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].key == key)
            return &rows[i];
    return NULL;
}

static const failure_row by_errno[] = {
    {ECONNREFUSED, FETCH_CONNECT, "ECONNREFUSED"},
    {ECONNRESET, FETCH_CONNECT, "ECONNRESET"},
    {EHOSTUNREACH, FETCH_CONNECT, "EHOSTUNREACH"},
    {ENETUNREACH, FETCH_CONNECT, "ENETUNREACH"},
    {EADDRNOTAVAIL, FETCH_CONNECT, "EADDRNOTAVAIL"},
    {ETIMEDOUT, FETCH_TIMEOUT, "ETIMEDOUT"},
    {EACCES, FETCH_CONNECT, "EACCES"},
};

const failure_row *failure_of_connect(long errnum)
{
    const failure_row *row = failure_find(by_errno, ARRAY_LEN(by_errno), errnum);
    return row ? row : &by_errno[0];
}

const failure_row *failure_of_timeout(bool connecting)
{
    static const failure_row rows[] = {
        {0, FETCH_TIMEOUT, "ESOCKETTIMEDOUT"},
        {0, FETCH_TIMEOUT, "ETIMEDOUT"},
    };
    return &rows[connecting];
}

static void add_hint(err *e, const failure_row *row)
{
    if (row->code == FETCH_CONNECT)
        (void)err_hint(e, "nothing listens there: is the port right, and the server running? A "
                          "service of this machine is started with: gatepost up");
    if (row->code == FETCH_RESOLVE)
        (void)err_hint(e, "is the name spelt right? The services of a project and their URLs: "
                          "gcloud run services list");
    if (row->code == FETCH_TLS && e->hint[0] == '\0' && strncmp(row->name, "EPROTO", 6) != 0)
        (void)err_hint(e, "if the server's certificate comes from an authority of your own, name "
                          "its file with --ssl-extra-ca-certs");
}

void fetch_fail(fetch_call *call, const failure_row *row, const char *text)
{
    (void)err_set(&call->fail, row->code, "%s (%s)", text, row->name);
    add_hint(&call->fail, row);
    call->failure = row->name;
}
