// SPDX-License-Identifier: Apache-2.0
#include "credential/redact.h"

#include "base/test.h"

static const char jwt[] =
    "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL29yZGVycyJ9."
    "Zk3-q_0aXb1YcZ2dWe3fVg4hUi5jTk6lSm7nRo8pQq9rPs0tOu1vNw2xMy3zLA4BKC5DJE6F";
static const char opaque[] = "ya29.a0AfB_byC1234567890abcdefghijklmnopqrstuvwxyz-_ABCDEFGHIJ";

typedef struct fixture fixture;
struct fixture {
    redactor redactor;
    buf out;
    arena mem;
};

static int set_up(void **state)
{
    fixture *f = NEW(fixture);
    buf_init(&f->out, 1 << 20);
    arena_init(&f->mem);
    redactor_add(&f->redactor, str_from(jwt), UINT64_MAX);
    redactor_add(&f->redactor, str_from(opaque), UINT64_MAX);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    redactor_deinit(&f->redactor);
    buf_deinit(&f->out);
    arena_deinit(&f->mem);
    free(f);
    return 0;
}

static str signature(void)
{
    return str_skip(str_from(strrchr(jwt, '.')), 1);
}

static str apply(fixture *f, str in, bool expected)
{
    buf_reset(&f->out);
    bool changed = redactor_apply(&f->redactor, in, &f->out);
    assert_int_equal(changed, expected);
    assert_true(changed || f->out.len == 0); // what is clean isn't copied
    return changed ? buf_str(&f->out) : in;
}

// No 24 bytes in a row of the secret part may be left.
static void assert_clean(str text, str secret_part)
{
    for (size_t i = 0; i + 24 <= secret_part.len; i++)
        if (str_find(text, str_sub(secret_part, i, i + 24)) >= 0)
            fail_msg("%zu: 24 bytes are still there: " STR_FMT, i, STR_ARG(text));
}

static void T43_a_token_is_found_wherever_it_stands(void **state)
{
    fixture *f = *state;
    // Every alignment of the text to the lookups.
    for (size_t lead = 0; lead < 40; lead++) {
        str in = arena_printf(&f->mem, "%.*s{\"authorization\":\"Bearer %s\"} and %s.", (int)lead,
                              "0123456789012345678901234567890123456789", jwt, opaque);
        str out = apply(f, in, true);
        assert_clean(out, signature());
        assert_clean(out, str_from(opaque));
        assert_true(str_ends(out, STR("***\"} and ***.")));
        assert_true(str_find(out, STR("eyJhbGciOiJSUzI1NiJ9.")) > 0); // what isn't secret stays
    }
}

static void T43_a_piece_of_24_bytes_is_enough(void **state)
{
    fixture *f = *state;
    str sig = signature();
    for (size_t at = 0; at + 24 <= sig.len; at++) {
        str piece = str_sub(sig, at, at + 24);
        for (size_t lead = 0; lead < 18; lead++) {
            str in = arena_printf(&f->mem, "%.*s" STR_FMT ">", (int)lead, "<<<<<<<<<<<<<<<<<<",
                                  STR_ARG(piece));
            assert_clean(apply(f, in, true), sig);
        }
        apply(f, str_sub(sig, at, at + 12), false); // too short to mean anything
    }
}

// Most of a text is passed over for a byte that no secret has: what stands beside such bytes
// counts, and a secret may have them itself.
static void T43_its_neighbours_hide_nothing(void **state)
{
    fixture *f = *state;
    static const char fillers[] = {' ', '"', '\n', '\0', ',', '-', '~', '\x7f', '\x80', '\xff'};
    static const char *const odd[] = {
        "ya29 with blanks + and = \"quotes\", for once",
        "\x01\x02\x03\x04\x05\x06\x07\x0e\x0f\x10\x11\x12 and what else is low",
        "caf\xc3\xa9-\xe2\x82\xac-\xff\xfe-\x80-0123456789ab"};
    str secrets[1 + ARRAY_LEN(odd)] = {signature()};
    for (size_t i = 0; i < ARRAY_LEN(odd); i++)
        secrets[1 + i] = str_from(odd[i]);
    for (size_t s = 0; s < ARRAY_LEN(secrets); s++) {
        redactor_add(&f->redactor, secrets[s], UINT64_MAX);
        str piece = str_sub(secrets[s], 1, 25);
        for (size_t i = 0; i < ARRAY_LEN(fillers) * 48; i++) {
            char text[96];
            memset(text, fillers[i / 48], sizeof(text));
            memcpy(text + i % 48, piece.ptr, piece.len);
            str out = apply(f, (str){text, sizeof(text)}, true);
            assert_int_equal(str_find(out, piece), -1);
            assert_true(out.len <= sizeof(text) - piece.len + 3); // a neighbour may belong to it
        }
    }
}

static void T43_base64_hides_nothing(void **state)
{
    fixture *f = *state;
    buf text;
    buf_init(&text, 4096);
    for (size_t lead = 0; lead < 24; lead++) {
        for (int url = 0; url < 2; url++) {
            str in = arena_printf(&f->mem, "%.*sBearer %s tail", (int)lead,
                                  "abcdefghijklmnopqrstuvwxyz", jwt);
            buf_reset(&text);
            if (url)
                base64url_encode(&text, in);
            else
                base64_encode(&text, in);
            str out = apply(f, buf_str(&text), true);
            // What is left of the base64 must not decode to much of the signature.
            assert_true(out.len < text.len - signature().len);
        }
    }
    buf_deinit(&text);
}

static void T43_escapes_hide_nothing(void **state)
{
    fixture *f = *state;
    str sig = signature();
    for (int form = 0; form < 3; form++) {
        buf text;
        buf_init(&text, 16384);
        buf_addz(&text, form == 0 ? "x%20" : "x");
        for (size_t i = 0; i < sig.len; i++) {
            unsigned c = (unsigned char)sig.ptr[i];
            if (form == 0 && !ascii_is_alnum(sig.ptr[i]))
                buf_addf(&text, "%%%02X", c); // as a strict form encoder does
            else if (form == 1)
                buf_addf(&text, i % 2 ? "%%%02x" : "%%%02X", c);
            else if (form == 2)
                buf_addf(&text, i % 3 ? "%c" : "\\u00%02x", c);
            else
                buf_addc(&text, sig.ptr[i]);
        }
        buf_addz(&text, "y");
        str out = apply(f, buf_str(&text), true);
        assert_true(str_ends(out, STR("***y")));
        assert_true(out.len < 12);
        buf_deinit(&text);
    }
}

// One character of the secret escaped, at each place: nearly all of it stands as it is.
static void T43_a_single_escape_hides_nothing(void **state)
{
    fixture *f = *state;
    str sig = signature();
    static const char *const leads[] = {"",
                                        "a",
                                        "100% of it: ",
                                        "\\u00e9t\\u00e9 %2F %zz \\u00",
                                        "%4",
                                        "some text before it, longer than a piece that counts "};
    for (size_t at = 0; at < sig.len; at++) {
        for (size_t i = 0; i < 2 * ARRAY_LEN(leads); i++) {
            const char *lead = leads[i / 2];
            buf text;
            buf_init(&text, 4096);
            buf_addf(&text, "%s" STR_FMT, lead, STR_ARG(str_sub(sig, 0, at)));
            buf_addf(&text, i % 2 ? "\\u00%02X" : "%%%02x", (unsigned char)sig.ptr[at]);
            buf_addf(&text, STR_FMT "\" 50%% \\u00e9", STR_ARG(str_skip(sig, at + 1)));
            str out = apply(f, buf_str(&text), true);
            assert_clean(out, sig);
            if (at < 24) // whole; from there on its beginning is found as it stands
                assert_str(out, arena_printf(&f->mem, "%s***\" 50%% \\u00e9", lead));
            buf_deinit(&text);
        }
    }
}

static void T43_a_text_may_hide_it_in_several_forms(void **state)
{
    fixture *f = *state;
    buf text;
    buf_init(&text, 16384);
    str sig = signature();
    for (int i = 0; i < 3; i++) {
        buf_addf(&text, "%d%%20", i);
        for (size_t k = 0; k < sig.len; k++)
            buf_addf(&text, i == 1 ? "\\u00%02x" : "%%%02X", (unsigned char)sig.ptr[k]);
        buf_addf(&text, "|%s%s|", jwt, opaque);
        base64_encode(&text, sig);
        buf_addc(&text, '|');
    }
    str out = apply(f, buf_str(&text), true);
    assert_clean(out, sig);
    assert_clean(out, str_from(opaque));
    str rest = out, row;
    for (int i = 0; i < 3; i++) {
        assert_true(str_next(&rest, '|', &row));
        assert_str(row, arena_printf(&f->mem, "%d%%20***", i));
        assert_true(str_next(&rest, '|', &row));
        assert_true(str_ends(row, STR("******")));
        assert_true(str_next(&rest, '|', &row));
        assert_true(str_starts(row, STR("***")) && row.len <= 3 + 3);
    }
    buf_deinit(&text);
}

static void what_is_not_ours_stays(void **state)
{
    fixture *f = *state;
    static const char *const rows[] = {
        "",
        "a",
        "hello world, this is a body of some length without anything secret in it",
        "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL29yZGVycyJ9.another-signature-of-somebody-else",
        "100% of \\u00 and %zz and % and \\u",
        "ya29.something-else-entirely-0123456789-0123456789-0123456789",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_strz(apply(f, str_from(rows[i]), false), rows[i]);
}

static void several_in_a_row(void **state)
{
    fixture *f = *state;
    str in = arena_printf(&f->mem, STR_FMT STR_FMT "%s", STR_ARG(signature()), STR_ARG(signature()),
                          opaque);
    assert_strz(apply(f, in, true), "*********");
}

static void an_empty_redactor_finds_nothing(void **state)
{
    fixture *f = *state;
    redactor none = {0};
    buf_reset(&f->out);
    assert_false(redactor_apply(&none, str_from(jwt), &f->out));
    assert_int_equal(f->out.len, 0);
    redactor_add(&none, STR("short"), UINT64_MAX);
    assert_int_equal(none.tokens.len, 0);
    redactor_deinit(&none);
}

static str numbered(fixture *f, int i)
{
    return arena_printf(&f->mem, "abcdefghij-%06d-klmnopqrstuv", i);
}

static void add_numbered(fixture *f, int from, int to, uint64_t until_ms)
{
    for (int i = from; i < to; i++)
        redactor_add(&f->redactor, numbered(f, i), until_ms);
}

static void T43_every_token_that_lives_is_found(void **state)
{
    fixture *f = *state;
    add_numbered(f, 0, 300, UINT64_MAX);
    for (int i = 0; i < 300; i++)
        assert_strz(apply(f, numbered(f, i), true), "***");
    assert_strz(apply(f, signature(), true), "***"); // the very first one
}

static void expired_tokens_make_room(void **state)
{
    fixture *f = *state;
    add_numbered(f, 0, REDACT_TOKENS_MAX - 2, 1); // expired long ago
    add_numbered(f, 1000, 1000 + REDACT_TOKENS_MAX - 2, UINT64_MAX);
    assert_true(f->redactor.tokens.len <= REDACT_TOKENS_MAX);
    assert_strz(apply(f, signature(), true), "***");
    assert_strz(apply(f, str_from(opaque), true), "***");
    for (int i = 1000; i < 1000 + REDACT_TOKENS_MAX - 2; i++)
        assert_strz(apply(f, numbered(f, i), true), "***");
}

static void a_token_too_many_drops_the_one_that_expires_first(void **state)
{
    fixture *f = *state;
    uint64_t later = clock_mono_ms() + 3600 * 1000;
    redactor_add(&f->redactor, numbered(f, 1), later);
    redactor_add(&f->redactor, numbered(f, 2), later - 1000);
    redactor_add(&f->redactor, numbered(f, 3), later);
    add_numbered(f, 1000, 1000 + REDACT_TOKENS_MAX - 4, UINT64_MAX);
    assert_int_equal(f->redactor.tokens.len, REDACT_TOKENS_MAX);
    assert_strz(apply(f, numbered(f, 1), true), "***");
    assert_strz(apply(f, numbered(f, 3), true), "***");
    apply(f, numbered(f, 2), false);
}

static void the_table_shrinks_with_the_tokens(void **state)
{
    fixture *f = *state;
    size_t small = f->redactor.bits;
    add_numbered(f, 0, REDACT_TOKENS_MAX - 2, clock_mono_ms() + 60 * 1000);
    assert_true(f->redactor.bits > small);
    VEC_FOREACH (&f->redactor.tokens, t)
        t->until_ms = 1;
    add_numbered(f, 1000, 1001, UINT64_MAX);
    assert_int_equal(f->redactor.tokens.len, 1);
    assert_true(f->redactor.bits <= small * 2);
    assert_strz(apply(f, numbered(f, 1000), true), "***");
    apply(f, numbered(f, 5), false);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(T43_a_token_is_found_wherever_it_stands),
        CASE(T43_a_piece_of_24_bytes_is_enough),
        CASE(T43_its_neighbours_hide_nothing),
        CASE(T43_base64_hides_nothing),
        CASE(T43_escapes_hide_nothing),
        CASE(T43_a_single_escape_hides_nothing),
        CASE(T43_a_text_may_hide_it_in_several_forms),
        CASE(what_is_not_ours_stays),
        CASE(several_in_a_row),
        CASE(an_empty_redactor_finds_nothing),
        CASE(T43_every_token_that_lives_is_found),
        CASE(expired_tokens_make_room),
        CASE(a_token_too_many_drops_the_one_that_expires_first),
        CASE(the_table_shrinks_with_the_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
