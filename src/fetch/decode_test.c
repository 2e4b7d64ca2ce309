// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "fetch/call.h"

#define HELLO_GZIP                                                                                 \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00" \
    "\x00\x00"
#define WORLD_GZIP                                                                                 \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x53\x28\xcf\x2f\xca\x49\x01\x00\xcb\x42\x3b\x4a\x06" \
    "\x00\x00\x00"
#define HELLO_ZLIB "\x78\x9c\xcb\x48\xcd\xc9\xc9\x07\x00\x06\x2c\x02\x15"
#define HELLO_BARE "\xcb\x48\xcd\xc9\xc9\x07\x00"
#define HELLO_ZSTD "\x28\xb5\x2f\xfd\x20\x05\x29\x00\x00\x68\x65\x6c\x6c\x6f"
#define HELLO_BROTLI "\x0b\x02\x80\x68\x65\x6c\x6c\x6f\x03"
#define HELLO_BROTLI_GZIP                                                                          \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xe3\x66\x6a\xc8\x48\xcd\xc9\xc9\x67\x06\x00\xdb\x4e" \
    "\x4b\x50\x09\x00\x00\x00"

static bool take(void *ctx, str plain)
{
    buf_adds(ctx, plain);
    return buf_ok(ctx);
}

// In pieces of `step` bytes.
static bool decode(const char *codings, str body, size_t step, buf *out)
{
    decoder *d = NULL;
    bool ok = decoder_add(&d, str_from(codings)) && d;
    while (ok && body.len) {
        size_t n = step < body.len ? step : body.len;
        ok = decoder_push(d, str_sub(body, 0, n), take, out);
        body = str_skip(body, n);
    }
    decoder_free(d);
    return ok;
}

static void bodies_are_unpacked_however_they_arrive(void **state)
{
    (void)state;
    static const struct {
        const char *codings;
        str body;
        const char *plain;
    } rows[] = {
        {"gzip", STR(HELLO_GZIP), "hello"},
        {"X-GZIP", STR(HELLO_GZIP), "hello"},
        {"gzip", STR(HELLO_GZIP WORLD_GZIP), "hello world"}, // two members
        {"gzip", STR(HELLO_GZIP "\0\0padding"), "hello"},
        {"gzip", STR("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\x48\xcd\xc9\xc9\x07\x00"),
         "hello"}, // without its checksum
        {"deflate", STR(HELLO_ZLIB), "hello"},
        {"deflate", STR(HELLO_BARE), "hello"},
        {"br", STR(HELLO_BROTLI), "hello"},
        {"br", STR(HELLO_BROTLI "behind"), "hello"},
        {"zstd", STR(HELLO_ZSTD), "hello"},
        {"zstd", STR(HELLO_ZSTD HELLO_ZSTD), "hellohello"},
        {"zstd", STR("\x51\x2a\x4d\x18\x02\x00\x00\x00xx" HELLO_ZSTD), "hello"}, // skipped
        {"br, gzip", STR(HELLO_BROTLI_GZIP), "hello"},
        {"identity, gzip ,", STR(HELLO_GZIP), "hello"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t step = 1; step <= rows[i].body.len; step++) {
            buf out;
            buf_init(&out, 100);
            assert_row(i, decode(rows[i].codings, rows[i].body, step, &out));
            assert_strz(buf_str(&out), rows[i].plain);
            buf_deinit(&out);
        }
    }
}

// The library reads the formats that came before the standard one, too.
static void T17_zstd_of_before_the_standard_is_refused(void **state)
{
    (void)state;
    static const str rows[] = {STR("\x26\xb5\x2f\xfd\x00\x00\x10\x00\x00"),
                               STR("\x27\xb5\x2f\xfd\x00\x00\x10\x00\x00"),
                               STR(HELLO_ZSTD "\x26\xb5\x2f\xfd\x00\x00\x10\x00\x00")};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t step = 1; step <= rows[i].len; step++) {
            buf out;
            buf_init(&out, 100);
            assert_row(i, !decode("zstd", rows[i], step, &out));
            buf_deinit(&out);
        }
    }
}

static void what_is_not_in_the_coding_is_told(void **state)
{
    (void)state;
    static const char *const codings[] = {"gzip", "deflate", "br", "gzip, br", "zstd"};
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        buf out;
        buf_init(&out, 100);
        assert_row(i,
                   !decode(codings[i], STR("\xff\xfeplain text, more of it than a head"), 7, &out));
        buf_deinit(&out);
    }
}

static void T43_codings_that_are_not_known_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *codings;
        bool known, any;
    } rows[] = {
        {"identity", true, false},
        {"", true, false},
        {"gzip, identity", true, true},
        {"gzip, gzip, gzip, gzip, gzip", true, true},
        {"gzip, gzip, gzip, gzip, gzip, gzip", false, true},
        {"gzip, lzma", false, true},
        {"lzma", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        decoder *d = NULL;
        assert_row(i, decoder_add(&d, str_from(rows[i].codings)) == rows[i].known);
        assert_row(i, (d != NULL) == rows[i].any);
        decoder_free(d);
    }
}

// 10 MB of zeros in 10 KB: no more is unpacked than the receiver takes (threat 17).
static void T17_unpacking_stops_when_the_receiver_does(void **state)
{
    (void)state;
    buf bomb, out;
    buf_init(&bomb, 1 << 20);
    buf_init(&out, DECODE_PIECE_BYTES * 3);
    // Bare deflate: a block with the fixed code, a zero, then runs of 258 zeros (RFC 1951 §3.2.6:
    // length code 285 is 11000101, distance code 0 is 00000; 13 bits a run).
    uint64_t bits = 0;
    int count = 0;
    static const char head[] = "110"
                               "00110000",
                      run[] = "1100010100000";
    const char *next = head;
    for (int runs = 0; runs < 40000;) {
        bits |= (uint64_t)(*next++ - '0') << count;
        if (++count == 8) {
            buf_addc(&bomb, (char)bits);
            bits = 0;
            count = 0;
        }
        if (!*next) {
            next = run;
            runs++;
        }
    }
    assert_false(decode("deflate", buf_str(&bomb), bomb.len, &out));
    assert_int_equal(out.len, DECODE_PIECE_BYTES * 3);
    buf_deinit(&bomb);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_unpacked_however_they_arrive),
        cmocka_unit_test(T17_zstd_of_before_the_standard_is_refused),
        cmocka_unit_test(what_is_not_in_the_coding_is_told),
        cmocka_unit_test(T43_codings_that_are_not_known_are_refused),
        cmocka_unit_test(T17_unpacking_stops_when_the_receiver_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
