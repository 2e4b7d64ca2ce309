// SPDX-License-Identifier: Apache-2.0
// How fast tokens that are in memory are handed out (bench/credential). The source is a key that
// signs by itself, so nothing but the memory of tokens is measured.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "credential/credential.h"
#include "data/data.h"
#include "jose/jose.h"
#include "net/net.h"

enum { HANDED = 1000000, WAITED = 400000, AT_ONCE = 1000, DEADLINE_MS = 60000 };

typedef struct bench bench;
struct bench {
    loop *loop;
    credential_provider *provider;
    char key_file[64];
    int open;   // that wait
    bool done;  // nobody waits any more
    bool broke; // there was no token
};

static const credential_want want = {.kind = CREDENTIAL_ACCESS_TOKEN,
                                     .audience = {"https://pubsub.googleapis.com/", 30}};

static const char *from_env(void *ctx, const char *name)
{
    const bench *b = ctx;
    return strcmp(name, "GOOGLE_APPLICATION_CREDENTIALS") == 0 ? b->key_file : NULL;
}

static bool write_key(bench *b)
{
    jwk *key = jwk_generate(JOSE_RS256, STR("bench"));
    secret *pem = jwk_private_pem(key);
    buf text;
    buf_init(&text, 16 << 10);
    jout w = jout_new(&text, JSON_COMPACT);
    jout_object(&w, NULL);
    jout_str(&w, "type", STR("service_account"));
    jout_str(&w, "client_email", STR("bench@p.iam.gserviceaccount.com"));
    jout_str(&w, "private_key", secret_str(pem));
    jout_end(&w);
    snprintf(b->key_file, sizeof(b->key_file), "/tmp/credential-bench-XXXXXX");
    int fd = mkstemp(b->key_file);
    bool good = fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len;
    if (fd >= 0)
        close(fd);
    secret_free(pem);
    jwk_unref(key);
    buf_deinit(&text);
    return good;
}

static void on_token(void *ctx, credential_token *token, const err *e)
{
    bench *b = ctx;
    if (e)
        err_print(e, stderr);
    b->broke = b->broke || !token;
    b->done = --b->open == 0;
}

static bool wait_for(bench *b, int count)
{
    b->open = count;
    b->done = false;
    for (int i = 0; i < count; i++)
        credential_for(b->provider, &want, on_token, b);
    return loop_run_until(b->loop, &b->done, DEADLINE_MS) && !b->broke;
}

static int by_size(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void report(const char *what, uint64_t *ns, size_t count, uint64_t total_ns)
{
    qsort(ns, count, sizeof(*ns), by_size);
    printf("%-34s %12.0f/s   p50 %6llu ns   p99 %6llu ns\n", what,
           (double)count * 1e9 / (double)total_ns, (unsigned long long)ns[count / 2],
           (unsigned long long)ns[count * 99 / 100]);
}

static bool measure_at_hand(bench *b, uint64_t *ns)
{
    uint64_t begin = clock_mono_ns(), at = begin;
    for (size_t i = 0; i < HANDED; i++) {
        if (!credential_at_hand(b->provider, &want))
            return false;
        uint64_t now = clock_mono_ns();
        ns[i] = now - at;
        at = now;
    }
    report("at hand", ns, HANDED, at - begin);
    return true;
}

// What one of them costs, when a thousand ask in one turn of the loop.
static bool measure_waits(bench *b, uint64_t *ns)
{
    uint64_t begin = clock_mono_ns(), at = begin;
    size_t rounds = WAITED / AT_ONCE;
    for (size_t i = 0; i < rounds; i++) {
        if (!wait_for(b, AT_ONCE))
            return false;
        uint64_t now = clock_mono_ns();
        for (size_t k = 0; k < AT_ONCE; k++)
            ns[i * AT_ONCE + k] = (now - at) / AT_ONCE;
        at = now;
    }
    report("by callback, 1,000 at a time", ns, rounds * AT_ONCE, at - begin);
    return true;
}

int main(void)
{
    bench b = {.loop = loop_new()};
    const credential_options options = {.getenv = from_env, .getenv_ctx = &b};
    uint64_t *ns = mem_array(HANDED, sizeof(*ns));
    b.provider = credential_provider_new(b.loop, &options);
    bool good =
        write_key(&b) && wait_for(&b, 1) && measure_at_hand(&b, ns) && measure_waits(&b, ns);
    unlink(b.key_file);
    credential_provider_free(b.provider);
    loop_free(b.loop);
    free(ns);
    return good ? 0 : 1;
}
