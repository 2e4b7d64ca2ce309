// SPDX-License-Identifier: Apache-2.0
// Where keys come from, for how long, and what an issuer that misbehaves can do (T26, T34).
#include "oidc/test_issuer.h"

static void keys_are_found_by_discovery_and_kept(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 3; i++)
        assert_code(verify(f, token_of(f, key_a)), OK);
    assert_int_equal(f->discoveries, 1);
    assert_int_equal(f->fetches, 1);
    assert_str(f->who.who.email, STR("jane@example.com"));
    assert_str(f->who.who.issuer, f->origin);
    assert_int_equal(f->who.generation, oidc_generation(f->o, f->origin));
}

static void given_addresses_are_asked_instead(void **state)
{
    fixture *f = *state;
    f->o = oidc_new(f->loop, &f->options);
    const str keys = arena_printf(&f->mem, STR_FMT "/certs", STR_ARG(f->origin));
    const oidc_issuer google = {
        .issuer = STR("https://accounts.google.com"), .kind = OIDC_GOOGLE, .jwks_url = keys};
    assert_code(oidc_add(f->o, &google, &f->e), OK);
    str claims = arena_printf(&f->mem,
                              "{\"iss\":\"https://accounts.google.com\","
                              "\"aud\":\"https://orders.example\",\"exp\":%lld}",
                              (long long)clock_wall_s() + 60);
    assert_code(verify(f, sign(f, key_a, "JWT", claims)), OK);
    assert_int_equal(f->discoveries, 0);
}

static void many_who_wait_share_one_fetch(void **state)
{
    fixture *f = *state;
    str token = token_of(f, key_a);
    code c;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(try_verify(f, token, &c), OIDC_WAIT);
        oidc_wait_keys(f->o, f->origin, on_told, f);
    }
    run_until_told(f, 100);
    assert_int_equal(f->fetches, 1);
    assert_code(verify(f, token), OK);
}

static void a_cancelled_wait_is_not_told_and_others_are(void **state)
{
    fixture *f = *state;
    code c;
    assert_int_equal(try_verify(f, token_of(f, key_a), &c), OIDC_WAIT);
    oidc_wait *waits[3];
    for (int i = 0; i < 3; i++)
        waits[i] = oidc_wait_keys(f->o, f->origin, on_told, f);
    oidc_wait_cancel(waits[1]);
    run_until_told(f, 2);
    bool never = false;
    loop_run_until(f->loop, &never, 10);
    assert_int_equal(f->told, 2);
}

static void who_waits_for_nothing_is_told_soon(void **state)
{
    fixture *f = *state;
    assert_code(verify(f, token_of(f, key_a)), OK);
    unsigned told = f->told;
    oidc_wait_keys(f->o, f->origin, on_told, f);
    oidc_wait_keys(f->o, STR("https://nobody.example"), on_told, f);
    run_until_told(f, told + 2);
    assert_int_equal(f->fetches, 1);
}

static void freeing_ends_waits_without_their_callbacks(void **state)
{
    fixture *f = *state;
    code c;
    f->silent = true;
    assert_int_equal(try_verify(f, token_of(f, key_a), &c), OIDC_WAIT);
    oidc_wait_keys(f->o, f->origin, on_told, f);
    bool never = false;
    loop_run_until(f->loop, &never, 20);
    oidc_free(f->o);
    f->o = NULL;
    loop_run_until(f->loop, &never, 20);
    assert_int_equal(f->told, 0);
}

// ---- how long keys are good ---------------------------------------------------------------------

static void cache_control_is_honoured_within_bounds(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *headers;
        int64_t fresh_s;
    } rows[] = {
        {"", 300},
        {"Cache-Control: max-age=1000\r\n", 1000},
        {"Cache-Control: public, max-age=3600, must-revalidate\r\nAge: 600\r\n", 3000},
        {"Cache-Control: MAX-AGE=120\r\n", 120},
        {"Cache-Control: max-age=1\r\n", 60},
        {"Cache-Control: max-age=100\r\nAge: 5000\r\n", 60},
        {"Cache-Control: max-age=1000, no-cache\r\n", 60},
        {"Cache-Control: no-store\r\n", 60},
        {"Cache-Control: max-age=99999999999\r\n", 6 * 3600},
        {"Cache-Control: max-age=-5\r\n", 300},
        {"Cache-Control: max-age=99999999999999999999999\r\n", 300},
    };
    code c;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        f->headers = str_from(rows[i].headers);
        oidc_free(f->o);
        f->o = NULL;
        assert_code(verify(f, token_of(f, key_a)), OK);
        clock_shift((rows[i].fresh_s - 20) * 1000); // 20 s: this test may be slow
        assert_row(i, oidc_generation(f->o, f->origin) != 0);
        assert_row(i, try_verify(f, token_of(f, key_a), &c) == OIDC_DONE && c == OK);
        clock_shift(20 * 1000);
        assert_row(i, oidc_generation(f->o, f->origin) == 0);
        assert_row(i, try_verify(f, token_of(f, key_a), &c) == OIDC_WAIT);
    }
}

static void T25_a_withdrawn_key_is_not_believed_any_more(void **state)
{
    fixture *f = *state;
    str token = token_of(f, key_a);
    assert_code(verify(f, token), OK);
    uint64_t before = oidc_generation(f->o, f->origin);
    publish(f, key_b);
    clock_shift(400 * 1000);
    assert_code(verify(f, token), JWT_KEY);
    assert_code(verify(f, token_of(f, key_b)), OK);
    assert_true(oidc_generation(f->o, f->origin) != before);
}

static void keys_that_did_not_change_keep_their_generation(void **state)
{
    fixture *f = *state;
    assert_code(verify(f, token_of(f, key_a)), OK);
    uint64_t before = oidc_generation(f->o, f->origin);
    clock_shift(400 * 1000);
    assert_code(verify(f, token_of(f, key_a)), OK);
    assert_int_equal(f->fetches, 2);
    assert_int_equal(oidc_generation(f->o, f->origin), before);
}

// ---- T26 ----------------------------------------------------------------------------------------

static void T26_a_new_key_is_fetched_when_its_first_token_comes(void **state)
{
    fixture *f = *state;
    assert_code(verify(f, token_of(f, key_a)), OK);
    publish(f, key_b);
    clock_shift(70 * 1000);
    assert_code(verify(f, token_of(f, key_b)), OK);
    assert_int_equal(f->fetches, 2);
}

static void T26_unknown_kids_cost_one_fetch_a_minute(void **state)
{
    fixture *f = *state;
    str stray = token_of(f, key_b);
    code c;
    assert_code(verify(f, token_of(f, key_a)), OK);
    for (int minute = 0; minute < 3; minute++) {
        unsigned before = f->fetches;
        clock_shift(70 * 1000);
        assert_code(verify(f, stray), JWT_KEY);
        for (int i = 0; i < 200; i++) {
            assert_int_equal(try_verify(f, stray, &c), OIDC_DONE); // refused at once
            assert_code(c, JWT_KEY);
        }
        assert_code(verify(f, token_of(f, key_a)), OK); // the others are not disturbed
        assert_int_equal(f->fetches, before + 1);
    }
}

static void run_until_asked(fixture *f, unsigned times)
{
    bool never = false;
    uint64_t end = clock_mono_ms() + 15000;
    while (f->discoveries < times && clock_mono_ms() < end)
        loop_run_until(f->loop, &never, 2);
    assert_int_equal(f->discoveries, times);
}

// The issuer hangs up, and the attempt fails.
static void hang_up(fixture *f)
{
    VEC_FOREACH (&f->server.clients, c) {
        stream_free((*c)->s);
        (*c)->s = NULL;
    }
    oidc_wait_keys(f->o, f->origin, on_told, f);
    run_until_told(f, f->told + 1);
}

static void T26_the_last_good_keys_serve_a_day_of_outage(void **state)
{
    fixture *f = *state;
    str token = token_of(f, key_a);
    code c;
    assert_code(verify(f, token), OK);
    uint64_t before = oidc_generation(f->o, f->origin);
    f->status = 500;
    clock_shift(3600 * 1000);
    assert_code(verify(f, token), OK);
    assert_int_equal(f->discoveries, 2);
    assert_int_equal(oidc_generation(f->o, f->origin), before);
    for (int i = 0; i < 10; i++)
        assert_int_equal(try_verify(f, token, &c), OIDC_DONE); // within the minute nobody asks
    assert_int_equal(f->discoveries, 2);
    f->silent = true; // from now on attempts take long: nobody waits for them
    clock_shift(70 * 1000);
    assert_int_equal(try_verify(f, token, &c), OIDC_DONE);
    assert_code(c, OK);
    run_until_asked(f, 3);
    assert_int_equal(try_verify(f, token, &c), OIDC_DONE);
    f->silent = false;
    hang_up(f);
    clock_shift(24 * 3600 * 1000);
    assert_code(verify(f, token), OIDC_KEYS);
    assert_true(oidc_generation(f->o, f->origin) != before);
    f->status = 200;
    clock_shift(70 * 1000);
    assert_code(verify(f, token), OK);
}

static void T26_two_tokens_during_a_failed_fetch(void **state)
{
    fixture *f = *state;
    str token = token_of(f, key_a);
    code c;
    f->status = 503;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(try_verify(f, token, &c), OIDC_WAIT);
        oidc_wait_keys(f->o, f->origin, on_told, f);
    }
    run_until_told(f, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(try_verify(f, token, &c), OIDC_DONE);
        assert_code(c, OIDC_KEYS);
        assert_true(strstr(f->e.msg, "answered 503") != NULL);
    }
    assert_int_equal(f->discoveries, 1);
}

static void a_clock_that_was_set_back_makes_keys_old(void **state)
{
    fixture *f = *state;
    code c;
    assert_code(verify(f, token_of(f, key_a)), OK);
    clock_shift(-3600 * 1000);
    assert_int_equal(try_verify(f, token_of(f, key_a), &c), OIDC_WAIT);
    clock_shift(3600 * 1000);
}

// ---- T34 ----------------------------------------------------------------------------------------

static void assert_refused(fixture *f, const char *why)
{
    assert_code(verify(f, token_of(f, key_a)), OIDC_KEYS);
    if (!strstr(f->e.msg, why))
        fail_msg("\"%s\" doesn't say \"%s\"", f->e.msg, why);
    oidc_free(f->o);
    f->o = NULL;
}

static void T34_a_document_must_name_its_own_issuer(void **state)
{
    fixture *f = *state;
    f->named = STR("https://accounts.google.com");
    assert_refused(f, "it names another issuer: \"https://accounts.google.com\"");
    f->named = arena_printf(&f->mem, STR_FMT "/", STR_ARG(f->origin));
    assert_refused(f, "it names another issuer");
    assert_int_equal(f->fetches, 0);
}

static void T34_a_document_cannot_send_us_anywhere(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *jwks_uri, *why;
    } rows[] = {
        {"http://keys.example/", "isn't https"},
        {"http://169.254.169.254/keys", "isn't https"},
        {"file:///etc/passwd", "isn't "},
        {"https://user:pw@keys.example/", "no user or password"},
        {"https://169.254.169.254/keys", "may not be reached"},
        {"https://10.0.0.1/keys", "may not be reached"},
        {"https://[fd00::1]/keys", "may not be reached"},
        {"https://0xa9fea9fe/keys", "may not be reached"},
        {"not a url", "isn't a URL"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        f->jwks_uri = str_from(rows[i].jwks_uri);
        assert_refused(f, rows[i].why);
    }
    assert_int_equal(f->fetches, 0);
}

static void T34_an_issuer_in_the_world_has_no_keys_on_this_machine(void **state)
{
    fixture *f = *state;
    static const char *const places[] = {"https://127.0.0.1/keys", "https://[::1]/keys",
                                         "https://10.0.0.1/keys", "https://169.254.169.254/keys"};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        f->options = (oidc_options){0};
        f->o = oidc_new(f->loop, &f->options);
        const oidc_issuer x = {.issuer = f->origin = STR("https://idp.example"),
                               .jwks_url = str_from(places[i])};
        assert_code(oidc_add(f->o, &x, &f->e), OK);
        assert_refused(f, "may not be reached");
    }
}

static void T34_redirects_are_not_followed(void **state)
{
    fixture *f = *state;
    f->status = 302;
    assert_refused(f, "answered 302");
    assert_true(strstr(f->e.hint, "redirects aren't followed") != NULL);
    assert_int_equal(f->discoveries + f->fetches, 1);
}

static void T34_answers_are_limited(void **state)
{
    fixture *f = *state;
    char *large = mem_new((1 << 20) + 1);
    memset(large, ' ', 1 << 20);
    f->body = (str){large, 1 << 20};
    assert_refused(f, "the response");
    f->body = STR("{\"keys\":[]}");
    assert_refused(f, "/keys: ");
    f->body = STR("<html>");
    assert_refused(f, "/keys: ");
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(keys_are_found_by_discovery_and_kept),
        CASE(given_addresses_are_asked_instead),
        CASE(many_who_wait_share_one_fetch),
        CASE(a_cancelled_wait_is_not_told_and_others_are),
        CASE(who_waits_for_nothing_is_told_soon),
        CASE(freeing_ends_waits_without_their_callbacks),
        CASE(cache_control_is_honoured_within_bounds),
        CASE(T25_a_withdrawn_key_is_not_believed_any_more),
        CASE(keys_that_did_not_change_keep_their_generation),
        CASE(T26_a_new_key_is_fetched_when_its_first_token_comes),
        CASE(T26_unknown_kids_cost_one_fetch_a_minute),
        CASE(T26_the_last_good_keys_serve_a_day_of_outage),
        CASE(T26_two_tokens_during_a_failed_fetch),
        CASE(a_clock_that_was_set_back_makes_keys_old),
        CASE(T34_a_document_must_name_its_own_issuer),
        CASE(T34_a_document_cannot_send_us_anywhere),
        CASE(T34_an_issuer_in_the_world_has_no_keys_on_this_machine),
        CASE(T34_redirects_are_not_followed),
        CASE(T34_answers_are_limited),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
