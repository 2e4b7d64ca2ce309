// SPDX-License-Identifier: Apache-2.0
// Content-Encoding undone piece by piece: gzip, deflate and br as Node's programs do it, and zstd.
// A body that is cut short gives what came.
#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include "fetch/call.h"

enum {
    CODINGS_MAX = 5,
    GZIP_WINDOW = 15 + 16,
    ZLIB_WINDOW = 15,
    RAW_WINDOW = -15,
    ZSTD_WINDOW_LOG = 23, // 8 MiB, RFC 9659
};

typedef enum coding {
    CODING_UNKNOWN,
    CODING_NONE,
    CODING_GZIP,
    CODING_DEFLATE,
    CODING_BR,
    CODING_ZSTD
} coding;

struct decoder {
    coding coding;
    decoder *next; // undoes what was applied before this one
    z_stream z;
    bool z_ready;
    BrotliDecoderState *br;
    ZSTD_DCtx *zstd;
    unsigned magic_seen; // bytes of the frame's magic number
    bool skippable;      // it is a skippable frame's
    bool between;        // two members
    bool ended;
};

static coding coding_of(str name)
{
    static const struct {
        const char *name;
        coding coding;
    } rows[] = {
        {"gzip", CODING_GZIP}, {"x-gzip", CODING_GZIP}, {"deflate", CODING_DEFLATE},
        {"br", CODING_BR},     {"zstd", CODING_ZSTD},   {"identity", CODING_NONE},
        {"", CODING_NONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_ieq(name, str_from(rows[i].name)))
            return rows[i].coding;
    return CODING_UNKNOWN;
}

bool decoder_add(decoder **chain, str codings)
{
    for (str name; str_next(&codings, ',', &name);) {
        coding what = coding_of(str_trim(name));
        size_t count = 0;
        for (const decoder *d = *chain; d; d = d->next)
            count++;
        if (what == CODING_UNKNOWN || count == CODINGS_MAX)
            return false;
        if (what == CODING_NONE)
            continue;
        decoder *d = NEW(decoder);
        d->coding = what;
        d->next = *chain; // the last one applied is the first to be undone
        *chain = d;
    }
    return true;
}

void decoder_free(decoder *d)
{
    while (d) {
        decoder *next = d->next;
        if (d->z_ready)
            inflateEnd(&d->z);
        if (d->br)
            BrotliDecoderDestroyInstance(d->br);
        ZSTD_freeDCtx(d->zstd);
        free(d);
        d = next;
    }
}

// "deflate" is the zlib format (RFC 9110 §8.4.1.2), and what many servers send is bare: the first
// byte tells them apart.
static int window_of(const decoder *d, str piece)
{
    if (d->coding == CODING_GZIP)
        return GZIP_WINDOW;
    return (piece.ptr[0] & 0x0f) == Z_DEFLATED ? ZLIB_WINDOW : RAW_WINDOW;
}

static bool give(decoder *d, str plain, bool (*take)(void *ctx, str plain), void *ctx)
{
    if (!plain.len)
        return true;
    return d->next ? decoder_push(d->next, plain, take, ctx) : take(ctx, plain);
}

// A gzip body may have several members (RFC 1952 §2.2). False: no more of them, or none yet.
static bool next_member(decoder *d)
{
    if (!d->z.avail_in)
        return false;
    d->ended = d->z.next_in[0] != 0x1f || inflateReset(&d->z) != Z_OK;
    d->between = false;
    return !d->ended;
}

static bool push_zlib(decoder *d, str piece, bool (*take)(void *ctx, str plain), void *ctx)
{
    unsigned char out[DECODE_PIECE_BYTES];
    if (!d->z_ready && inflateInit2(&d->z, window_of(d, piece)) != Z_OK)
        return false;
    d->z_ready = true;
    d->z.next_in = (unsigned char *)(uintptr_t)piece.ptr;
    d->z.avail_in = (unsigned)piece.len;
    do {
        if (d->between && !next_member(d))
            return true;
        d->z.next_out = out;
        d->z.avail_out = sizeof(out);
        int rc = inflate(&d->z, Z_SYNC_FLUSH);
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
            return false;
        if (!give(d, (str){(const char *)out, sizeof(out) - d->z.avail_out}, take, ctx))
            return false;
        d->between = rc == Z_STREAM_END && d->coding == CODING_GZIP;
        d->ended = rc == Z_STREAM_END && !d->between;
    } while (!d->ended && (d->z.avail_in || !d->z.avail_out));
    return true;
}

static bool push_brotli(decoder *d, str piece, bool (*take)(void *ctx, str plain), void *ctx)
{
    uint8_t out[DECODE_PIECE_BYTES];
    const uint8_t *in = (const uint8_t *)piece.ptr;
    size_t in_left = piece.len;
    BrotliDecoderResult rc;
    if (!d->br)
        d->br = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    do {
        uint8_t *to = out;
        size_t room = sizeof(out);
        rc = BrotliDecoderDecompressStream(d->br, &in_left, &in, &room, &to, NULL);
        if (rc == BROTLI_DECODER_RESULT_ERROR ||
            !give(d, (str){(const char *)out, sizeof(out) - room}, take, ctx))
            return false;
    } while (rc == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT);
    d->ended = rc == BROTLI_DECODER_RESULT_SUCCESS;
    return true;
}

// A frame's first four bytes (RFC 8878 §3.1): the library also knows formats from before the
// standard, which nobody may make us read.
static bool check_magic(decoder *d, const ZSTD_inBuffer *in)
{
    static const unsigned char zstandard[] = {0x28, 0xb5, 0x2f, 0xfd},
                               skippable[] = {0x50, 0x2a, 0x4d, 0x18};
    const unsigned char *bytes = in->src;
    for (size_t i = in->pos; d->magic_seen < sizeof(zstandard) && i < in->size; i++) {
        unsigned at = d->magic_seen++;
        if (!at)
            d->skippable = (bytes[i] & 0xf0) == skippable[0];
        unsigned char b = !at && d->skippable ? skippable[0] : bytes[i];
        if (b != (d->skippable ? skippable : zstandard)[at])
            return false;
    }
    return true;
}

static bool push_zstd(decoder *d, str piece, bool (*take)(void *ctx, str plain), void *ctx)
{
    char out[DECODE_PIECE_BYTES];
    ZSTD_inBuffer in = {piece.ptr, piece.len, 0};
    ZSTD_outBuffer to;
    if (!d->zstd) {
        d->zstd = ZSTD_createDCtx();
        ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    }
    do {
        to = (ZSTD_outBuffer){out, sizeof(out), 0};
        if (!check_magic(d, &in))
            return false;
        size_t rc = ZSTD_decompressStream(d->zstd, &to, &in);
        if (ZSTD_isError(rc) || !give(d, (str){out, to.pos}, take, ctx))
            return false;
        if (!rc)
            d->magic_seen = 0; // another frame may follow
    } while (in.pos < in.size || to.pos == to.size);
    return true;
}

bool decoder_push(decoder *d, str piece, bool (*take)(void *ctx, str plain), void *ctx)
{
    if (d->ended || !piece.len)
        return true;
    switch (d->coding) {
    case CODING_BR:
        return push_brotli(d, piece, take, ctx);
    case CODING_ZSTD:
        return push_zstd(d, piece, take, ctx);
    default:
        return push_zlib(d, piece, take, ctx);
    }
}
