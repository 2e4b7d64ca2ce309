// SPDX-License-Identifier: Apache-2.0
// The memory of tokens, failures, and the border between local and cloud.
#include "credential/credential_test_endpoints.h"

// ---- memory -----------------------------------------------------------------------------------

static void a_token_is_asked_once(void **state)
{
    fixture *f = *state;
    ask(f, local_id);
    str first = f->token;
    for (int i = 0; i < 5; i++)
        ask(f, local_id);
    assert_str(f->token, first);
    assert_int_equal(f->requests.len, 1);
    credential_want w = local_id; // T25: each audience and identity has its own
    w.audience = STR("https://other.example");
    ask(f, w);
    assert_audience(f, "https://other.example");
    w.identity = STR("stranger");
    ask(f, w);
    assert_strz(f->principal, "stranger@demo.iam.gserviceaccount.com");
    assert_int_equal(f->requests.len, 3);
    credential_forget(f->provider, STR("https://other.example"));
    ask(f, w);
    ask(f, local_id);
    assert_int_equal(f->requests.len, 4);
}

static void a_thousand_who_wait_share_one_exchange(void **state)
{
    fixture *f = *state;
    enum { MANY = 1000 };
    credential_wait *waits[MANY];
    for (int i = 0; i < MANY; i++)
        waits[i] = credential_for(provider(f), &local_id, on_token, f);
    credential_cancel(waits[0]);
    credential_cancel(waits[MANY - 1]);
    credential_cancel(waits[MANY / 2]);
    bool never = false;
    loop_run_until(f->loop, &never, 300);
    assert_int_equal(f->answers, MANY - 3);
    assert_int_equal(f->requests.len, 1);
}

static void a_short_token_is_renewed_in_its_last_fifth(void **state)
{
    fixture *f = *state;
    f->lifetime_s = 51;
    ask(f, local_id);
    str first = f->token;
    clock_shift(30 * 1000);
    ask(f, local_id);
    assert_str(f->token, first);
    clock_shift(10 * 1000);
    ask(f, local_id);
    assert_false(str_eq(f->token, first));
    assert_int_equal(f->requests.len, 2);
    clock_shift(-40 * 1000);
}

static void wait_requests(fixture *f, size_t count)
{
    bool never = false;
    for (uint64_t end = clock_mono_ms() + 15000; f->requests.len < count && clock_mono_ms() < end;)
        loop_run_until(f->loop, &never, 5);
    assert_int_equal(f->requests.len, count);
}

static void ask_until_other(fixture *f, str first)
{
    for (uint64_t end = clock_mono_ms() + 15000; str_eq(f->token, first) && clock_mono_ms() < end;)
        ask(f, local_id);
    assert_false(str_eq(f->token, first));
}

static void an_hour_is_renewed_some_minutes_early(void **state)
{
    fixture *f = *state;
    ask(f, local_id);
    clock_shift(3290 * 1000);
    ask(f, local_id);
    assert_int_equal(f->requests.len, 1);
    str first = f->token;
    clock_shift(86 * 1000);
    ask(f, local_id); // at once, with the one that lives
    assert_str(f->token, first);
    wait_requests(f, 2);
    ask_until_other(f, first); // which the next ones get when it is there
    assert_int_equal(f->requests.len, 2);
    clock_shift(-3376 * 1000);
}

// Between 225 and 300 seconds before the end of an hour, and not all at one time.
static void renewals_are_spread(void **state)
{
    fixture *f = *state;
    enum { MANY = 40 };
    int64_t least = 3600000, most = 0;
    for (int i = 0; i < MANY; i++) {
        credential_forget(provider(f), STR_NONE);
        ask(f, local_id);
        const credential_token *t = credential_at_hand(f->provider, &local_id);
        assert_in_range(t->margin_ms, 225000, 300000);
        least = t->margin_ms < least ? t->margin_ms : least;
        most = t->margin_ms > most ? t->margin_ms : most;
    }
    assert_true(most - least > 10000);
    f->lifetime_s = 101; // a fifth of it is shorter
    credential_forget(f->provider, STR_NONE);
    ask(f, local_id);
    assert_int_equal(credential_at_hand(f->provider, &local_id)->margin_ms, 20000);
}

static void a_token_in_use_is_renewed_without_a_call(void **state)
{
    fixture *f = *state;
    f->lifetime_s = 2;
    ask(f, local_id);
    assert_int_equal(f->requests.len, 1);
    wait_requests(f, 2);
    bool never = false;
    loop_run_until(f->loop, &never, 1500); // nobody used that one
    assert_int_equal(f->requests.len, 2);
}

// Before the answer to a question arrives, so much time passes.
static int64_t answer_takes_ms;

static str slowly(fixture *f, str path)
{
    (void)f;
    (void)path;
    clock_shift(answer_takes_ms);
    return STR_NONE;
}

// A machine that is busy sees an answer late: the token was made at some time before, at the
// earliest when it was asked for.
static void a_life_is_counted_from_the_question(void **state)
{
    fixture *f = *state;
    f->lifetime_s = 101; // a hundred for sure: eighty until its last fifth
    f->more = slowly;
    answer_takes_ms = 50 * 1000;
    ask(f, local_id);
    assert_non_null(credential_at_hand(f->provider, &local_id));
    clock_shift(30 * 1000);
    assert_null(credential_at_hand(f->provider, &local_id));
    clock_shift(-80 * 1000);
}

// Nobody gets a token that may be over when it arrives: exp and Date have whole seconds, so that of
// three that it was given for, two are sure.
static void a_token_of_seconds_is_not_given_when_it_may_be_over(void **state)
{
    fixture *f = *state;
    f->lifetime_s = 3;
    ask(f, local_id);
    str first = f->token;
    clock_shift(1600);
    assert_null(credential_at_hand(f->provider, &local_id));
    ask(f, local_id);
    assert_false(str_eq(f->token, first));
    assert_int_equal(f->requests.len, 2);
    clock_shift(-1600);
}

// Where an answer takes longer than its token lives, each who asks gets one that is as new as can
// be, and nobody waits for ever.
static void a_token_that_comes_too_late_is_for_those_who_waited(void **state)
{
    fixture *f = *state;
    f->lifetime_s = 3;
    f->more = slowly;
    answer_takes_ms = 4000;
    for (size_t i = 1; i <= 3; i++) {
        ask(f, local_id);
        assert_int_equal(f->e.code, OK);
        assert_int_equal(f->requests.len, i);
        assert_null(credential_at_hand(f->provider, &local_id));
    }
    clock_shift(-12000);
}

static void no_call_waits_while_the_token_lives(void **state)
{
    fixture *f = *state;
    ask(f, local_id);
    str first = f->token;
    f->silent = true; // the endpoint hangs from now on
    clock_shift(3400 * 1000);
    for (int i = 0; i < 3; i++) {
        ask(f, local_id);
        assert_str(f->token, first);
    }
    wait_requests(f, 2); // one renewal for all
    ask(f, local_id);
    assert_str(f->token, first);
    assert_int_equal(f->requests.len, 2);
    clock_shift(-3400 * 1000);
}

static void a_source_that_failed_is_left_alone_while_the_token_lives(void **state)
{
    fixture *f = *state;
    ask(f, local_id);
    str first = f->token;
    f->statuses[1] = 400;
    f->error = "{\"error\":\"invalid_grant\"}";
    clock_shift(3400 * 1000);
    ask(f, local_id);
    wait_requests(f, 2);
    bool never = false;
    loop_run_until(f->loop, &never, 50); // the refusal arrives
    clock_shift(180 * 1000);             // the last seconds: a call would wait for a renewal
    for (int i = 0; i < 3; i++) {
        ask(f, local_id);
        assert_str(f->token, first);
    }
    assert_int_equal(f->requests.len, 2);
    clock_shift(30 * 1000); // it is dead: now there is no other way
    ask(f, local_id);
    assert_int_equal(f->requests.len, 3);
    assert_false(str_eq(f->token, first));
    clock_shift(-3610 * 1000);
}

static void a_clock_that_jumps_or_is_wrong_does_no_harm(void **state)
{
    fixture *f = *state;
    ask(f, local_id);
    clock_shift(-7200 * 1000); // set back: the token's age comes from the monotonic clock
    ask(f, local_id);
    assert_int_equal(f->requests.len, 1);
    clock_shift(7200 * 1000);

    credential_want w = local_id; // two hours behind the endpoint all the time
    w.audience = STR("https://skewed.example");
    f->clock_ahead_s = 7200;
    ask(f, w);
    ask(f, w);
    assert_int_equal(f->e.code, OK);
    assert_int_equal(f->requests.len, 2);
    w.audience = STR("https://behind.example");
    f->clock_ahead_s = -7200;
    ask(f, w);
    ask(f, w);
    assert_int_equal(f->e.code, OK);
    assert_int_equal(f->requests.len, 3);
}

static void without_refresh_a_token_is_kept(void **state)
{
    fixture *f = *state;
    f->options.no_refresh = true;
    f->lifetime_s = 2;
    ask(f, local_id);
    clock_shift(10000);
    ask(f, local_id);
    assert_int_equal(f->requests.len, 1);
    clock_shift(-10000);
}

static void a_failed_renewal_keeps_a_living_token(void **state)
{
    fixture *f = *state;
    f->lifetime_s = 100;
    ask(f, local_id);
    str first = f->token;
    f->statuses[1] = f->statuses[2] = 400;
    f->error = "{\"error\":\"invalid_grant\"}";
    clock_shift(90 * 1000);
    ask(f, local_id);
    assert_int_equal(f->e.code, OK);
    assert_str(f->token, first);
    clock_shift(20 * 1000); // now it is dead
    ask(f, local_id);
    assert_int_equal(f->e.code, CRED_REFUSED);
    clock_shift(-110 * 1000);
}

// ---- at hand ----------------------------------------------------------------------------------

static bool is_at_hand(fixture *f, credential_want w)
{
    size_t asked = f->requests.len;
    const credential_token *t = credential_at_hand(provider(f), &w);
    assert_int_equal(f->requests.len, asked);
    if (t)
        assert_strz(
            credential_token_bearer(t),
            arena_printf(&f->mem, "Bearer " STR_FMT, STR_ARG(credential_token_value(t))).ptr);
    return t != NULL;
}

static void a_fresh_token_is_at_hand_for_its_own_use_only(void **state)
{
    fixture *f = *state;
    credential_want stranger = local_id, elsewhere = local_id, cloud = local_id, user = local_id;
    credential_want access = local_id, scoped = local_id;
    access.kind = CREDENTIAL_ACCESS_TOKEN;
    scoped.scope = STR("https://www.googleapis.com/auth/other");
    stranger.identity = STR("stranger");
    elsewhere.audience = STR("https://other.example");
    cloud.local = false;
    user.user_token = true;
    assert_false(is_at_hand(f, local_id));
    ask(f, local_id);
    assert_true(is_at_hand(f, local_id));
    assert_str(credential_token_value(credential_at_hand(f->provider, &local_id)), f->token);
    const credential_want others[] = {stranger, elsewhere, cloud, user, access, scoped};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_row(i, !is_at_hand(f, others[i])); // right behind the one that is there
        assert_row(i, is_at_hand(f, local_id));
    }
    ask(f, stranger);
    assert_true(is_at_hand(f, stranger));
    credential_forget(f->provider, local_id.audience);
    assert_false(is_at_hand(f, local_id));
}

// So that whoever asks for it then has it renewed.
static void a_token_near_its_end_is_not_at_hand(void **state)
{
    fixture *f = *state;
    f->lifetime_s = 51;
    ask(f, local_id);
    clock_shift(30 * 1000);
    assert_true(is_at_hand(f, local_id));
    clock_shift(10 * 1000);
    assert_false(is_at_hand(f, local_id));
    ask(f, local_id);
    assert_int_equal(f->requests.len, 2);
    assert_true(is_at_hand(f, local_id));
    clock_shift(-40 * 1000);
}

static void without_refresh_a_token_stays_at_hand(void **state)
{
    fixture *f = *state;
    f->options.no_refresh = true;
    f->lifetime_s = 2;
    ask(f, local_id);
    clock_shift(10000);
    assert_true(is_at_hand(f, local_id));
    clock_shift(-10000);
}

// ---- failures ---------------------------------------------------------------------------------

static void passing_failures_are_tried_again(void **state)
{
    fixture *f = *state;
    f->statuses[0] = 503;
    ask(f, local_id);
    assert_int_equal(f->e.code, OK);
    assert_int_equal(f->requests.len, 2);
}

static void lasting_failures_are_told_after_three(void **state)
{
    fixture *f = *state;
    f->statuses[0] = f->statuses[1] = f->statuses[2] = 500;
    ask(f, local_id);
    assert_int_equal(f->e.code, CRED_REFUSED);
    assert_int_equal(f->requests.len, 3);
}

static void refusals_are_told_with_the_fix(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *body, *says, *fix;
        int64_t ahead_s;
    } rows[] = {
        {"{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT Signature.\"}",
         "invalid_grant: Invalid JWT Signature.", "start `gatepost up` again", 0},
        {"{\"error\":\"invalid_grant\",\"error_description\":\"Invalid grant: account not found\"}",
         "account not found", "doesn't exist", 0},
        {"{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT: Token must be a "
         "short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp "
         "values in the JWT claim.\"}",
         "timeframe", "400 s behind", 400},
        {"{\"error\":\"invalid_grant\",\"error_description\":\"Token has been expired or "
         "revoked.\"}",
         "revoked", "gcloud auth application-default login", 0},
        {"<html>", "answered 400", NULL, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        f->statuses[f->status_at] = 400;
        f->error = rows[i].body;
        f->clock_ahead_s = rows[i].ahead_s;
        ask(f, local_id);
        assert_row(i, f->e.code == CRED_REFUSED);
        if (!strstr(f->e.msg, rows[i].says) || (rows[i].fix && !strstr(f->e.hint, rows[i].fix)))
            fail_msg("row %zu: %s / %s", i, f->e.msg, f->e.hint);
    }
}

static void an_endpoint_that_is_gone(void **state)
{
    fixture *f = *state;
    listener_free(f->server.listener);
    f->server.listener = NULL;
    ask(f, local_id);
    assert_int_equal(f->e.code, FETCH_CONNECT);
    assert_non_null(strstr(f->e.msg, "asking for a token"));
}

static void a_provider_may_go_while_it_asks(void **state)
{
    fixture *f = *state;
    f->silent = true;
    credential_for(provider(f), &local_id, on_token, f);
    bool never = false;
    loop_run_until(f->loop, &never, 100);
    assert_int_equal(f->requests.len, 1);
    credential_provider_free(f->provider);
    f->provider = NULL;
    loop_run_until(f->loop, &never, 20);
    assert_int_equal(f->answers, 0);
}

// ---- local and cloud --------------------------------------------------------------------------

static void T40_local_and_cloud_never_mix(void **state)
{
    fixture *f = *state;
    const project_identity cloudy = {.name = STR("cloudy"),
                                     .key = write_key(f, "cloud.json",
                                                      "real@p.iam.gserviceaccount.com",
                                                      "https://oauth2.googleapis.com/token")};
    f->options.identities = &cloudy;
    f->options.identity_count = 1;
    credential_want w = local_id;
    w.identity = STR("cloudy"); // a real key for a local service
    ask(f, w);
    assert_int_equal(f->e.code, CRED_MIXED);
    set_env(f, "GOOGLE_APPLICATION_CREDENTIALS", f->up.accounts[0].key_file.ptr);
    w = (credential_want){.kind = CREDENTIAL_ID_TOKEN, .audience = STR("https://a.example")};
    ask(f, w); // a local key for the cloud
    assert_int_equal(f->e.code, CRED_MIXED);
    assert_int_equal(f->requests.len, 0);
}

static void T40_no_assertion_goes_where_only_the_file_says(void **state)
{
    fixture *f = *state;
    static const char *const uris[] = {
        "https://attacker.example/token",
        "http://127.0.0.1:1/token",
        "http://oauth2.googleapis.com/",
        "https://oauth2.googleapis.com.attacker.example/token",
        "https://oauth2.googleapis.com@attacker.example/token",
        "https://oauth2.googleapis.com:8443/",
    };
    for (size_t i = 0; i < ARRAY_LEN(uris); i++) {
        credential_provider_free(f->provider);
        f->provider = NULL;
        set_env(f, "GOOGLE_APPLICATION_CREDENTIALS",
                write_key(f, "forged.json", "real@p.iam.gserviceaccount.com", uris[i]));
        ask(f, (credential_want){.kind = CREDENTIAL_ID_TOKEN, .audience = STR("https://a")});
        if (f->e.code != CRED_FILE)
            fail_msg("%s: %s", uris[i], f->e.msg);
        assert_non_null(strstr(f->e.msg, "token_uri"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_token_is_asked_once),
        CASE(a_thousand_who_wait_share_one_exchange),
        CASE(a_short_token_is_renewed_in_its_last_fifth),
        CASE(an_hour_is_renewed_some_minutes_early),
        CASE(renewals_are_spread),
        CASE(a_token_in_use_is_renewed_without_a_call),
        CASE(a_life_is_counted_from_the_question),
        CASE(a_token_of_seconds_is_not_given_when_it_may_be_over),
        CASE(a_token_that_comes_too_late_is_for_those_who_waited),
        CASE(no_call_waits_while_the_token_lives),
        CASE(a_source_that_failed_is_left_alone_while_the_token_lives),
        CASE(a_clock_that_jumps_or_is_wrong_does_no_harm),
        CASE(without_refresh_a_token_is_kept),
        CASE(a_failed_renewal_keeps_a_living_token),
        CASE(a_fresh_token_is_at_hand_for_its_own_use_only),
        CASE(a_token_near_its_end_is_not_at_hand),
        CASE(without_refresh_a_token_stays_at_hand),
        CASE(passing_failures_are_tried_again),
        CASE(lasting_failures_are_told_after_three),
        CASE(refusals_are_told_with_the_fix),
        CASE(an_endpoint_that_is_gone),
        CASE(a_provider_may_go_while_it_asks),
        CASE(T40_local_and_cloud_never_mix),
        CASE(T40_no_assertion_goes_where_only_the_file_says),
    };
    return cmocka_run_group_tests(tests, make_key, drop_key);
}
