// SPDX-License-Identifier: Apache-2.0
// Signatures of requests, on the examples that their specifications publish.
#include "base/test.h"
#include "postman/postman.h"

typedef struct given given;
struct given {
    const char *method, *url, *more; // more: of the request, with its leading comma
    const char *type, *params;       // "key=value;…", a value may hold '='
    pm_behavior behavior;
};

static json *params_of(arena *a, str text)
{
    json *list = json_new(a, JSON_ARRAY);
    for (str part, key, value; str_next(&text, ';', &part);) {
        json *m = json_push(list, json_new(a, JSON_OBJECT));
        str_cut(part, '=', &key, &value);
        json_set(a, m, STR("key"), json_new_str(a, key));
        if (str_eq(value, STR("true")) || str_eq(value, STR("false")))
            json_set(a, m, STR("value"), json_new_bool(a, str_eq(value, STR("true"))));
        else
            json_set(a, m, STR("value"), json_new_str(a, value));
    }
    return list;
}

static json *auth_of(arena *a, const given *g)
{
    json *auth = json_new(a, JSON_OBJECT);
    json_set(a, auth, STR("type"), json_new_str(a, str_from(g->type)));
    json_set(a, auth, str_from(g->type), params_of(a, str_from(g->params)));
    return auth;
}

static void prepare(arena *a, const given *g, pm_auth_memory *memory, pm_call *ret)
{
    json *request;
    err e = ERR_INIT;
    str text = arena_printf(a, "{\"method\":\"%s\",\"url\":\"%s\"%s}",
                            g->method ? g->method : "GET", g->url, g->more ? g->more : "");
    if (json_parse(a, text, NULL, &request, &e))
        fail_msg("%s: %s", text.ptr, e.msg);
    pm_prepare_options o = {.auth = auth_of(a, g), .memory = memory, .behavior = g->behavior};
    if (pm_prepare(a, request, &o, ret, &e))
        fail_msg("%s: %s", g->url, e.msg);
}

static str value_of(const pm_call *call, const char *name)
{
    const pm_header *h = pm_call_header(call, str_from(name));
    return h ? h->value : STR_NONE;
}

static void assert_holds(str text, const char *part)
{
    if (str_find(text, str_from(part)) < 0)
        fail_msg("'%s' isn't in '" STR_FMT "'", part, STR_ARG(text));
}

static void at_time(int64_t wall_s)
{
    clock_shift(wall_s * 1000 + 100 - clock_wall_ms());
}

typedef struct row row;
struct row {
    given g;
    const char *header; // a part of Authorization; "": there is none
    const char *url;    // a part of it
};

static void check_rows(const row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        arena a;
        pm_call call;
        arena_init(&a);
        prepare(&a, &rows[i].g, NULL, &call);
        str header = value_of(&call, "Authorization");
        if (*rows[i].header)
            assert_holds(header, rows[i].header);
        else
            assert_row(i, header.len == 0);
        if (rows[i].url)
            assert_holds(call.url, rows[i].url);
        pm_call_deinit(&call);
        arena_deinit(&a);
    }
}

// ---- digest

// RFC 7616 §3.9.1 and §3.9.2; RFC 2617 §3.5; the others by an independent implementation.
#define MUFASA                                                                                     \
    "username=Mufasa;password=Circle of Life;realm=http-auth@example.org;"                         \
    "nonce=7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v;"                                          \
    "clientNonce=f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ;nonceCount=00000001;qop=auth;"       \
    "opaque=FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS;algorithm="
static const row digest_rows[] = {
    {{.url = "http://www.example.org/dir/index.html", .type = "digest", .params = MUFASA "MD5"},
     "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", "
     "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", uri=\"/dir/index.html\", "
     "algorithm=\"MD5\", qop=auth, nc=00000001, "
     "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", "
     "response=\"8ca523f5e9506fed4657c9700eebdbec\", "
     "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
     NULL},
    {{.url = "http://www.example.org/dir/index.html", .type = "digest", .params = MUFASA "SHA-256"},
     "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\"",
     NULL},
    {{.url = "http://host.com/dir/index.html",
      .type = "digest",
      .params = "username=Mufasa;password=Circle Of Life;realm=testrealm@host.com;"
                "nonce=dcd98b7102dd2f0e8b11d0f600bfb0c093;clientNonce=0a4f113b;"
                "nonceCount=00000001;qop=auth"},
     "response=\"6629fae49393a05397450978507c4ef1\"",
     NULL},
    {{.url = "http://h/", .type = "digest", .params = "username=u;password=p;realm=r"}, "", NULL},
    {{.url = "http://h/", .type = "digest", .params = "realm=r;nonce=n"}, "", NULL},
    {{.url = "http://h/", .type = "digest", .params = "username=u;realm=r;nonce=n;algorithm=SHA1"},
     "",
     NULL},
    {{.url = "http://h/", .type = "digest", .params = "username=a\"b;realm=r;nonce=n"},
     "username=\"a\\\"b\"",
     NULL},
};

static void digest_signs(void **state)
{
    (void)state;
    check_rows(digest_rows, ARRAY_LEN(digest_rows));
}

// ---- a challenge

static bool challenged(arena *a, pm_call *call, int status, const char *challenge)
{
    str value = str_from(challenge);
    return pm_answer_challenge(a, call, &(pm_answer){status, &value, challenge ? 1 : 0});
}

static void a_challenge_is_answered_and_remembered(void **state)
{
    (void)state;
    arena a;
    pm_call first, second, elsewhere;
    pm_auth_memory *m = pm_auth_memory_new();
    given g = {.url = "http://h/a?x=1", .type = "digest", .params = "username=u;password=p"};
    arena_init(&a);
    prepare(&a, &g, m, &first);
    assert_true(!pm_call_header(&first, STR("Authorization")));
    const char *asks =
        "Digest realm=\"r\", nonce=\"n1\", qop=\"auth-int, auth\", opaque=\"o\\\"p\"";
    assert_true(!challenged(&a, &first, 200, asks));
    assert_true(!challenged(&a, &first, 401, "Basic realm=\"r\""));
    assert_true(!challenged(&a, &first, 401, NULL));
    assert_true(!challenged(&a, &first, 401, "Digest realm=\"r\", nonce=\"n\", algorithm=X"));
    assert_true(challenged(&a, &first, 401, asks));
    assert_holds(value_of(&first, "Authorization"), "uri=\"/a?x=1\", algorithm=\"MD5\", qop=auth, "
                                                    "nc=00000001");
    assert_holds(value_of(&first, "Authorization"), "opaque=\"o\\\"p\"");
    assert_true(json_get(first.request, "header")->len == first.headers.len);
    // The same again is a refusal; another nonce alone too, unless the server says why.
    assert_true(!challenged(&a, &first, 401, asks));
    assert_true(!challenged(&a, &first, 401, "Digest realm=\"r\", nonce=\"n2\", qop=\"auth\""));
    assert_true(challenged(&a, &first, 403, "Digest realm=\"r\", nonce=\"n3\", stale=TRUE"));
    assert_holds(value_of(&first, "Authorization"), "nonce=\"n3\"");
    // The next request knows it from the start, but not one to another origin.
    g.url = "http://h/b";
    prepare(&a, &g, m, &second);
    g.url = "http://h:81/b";
    prepare(&a, &g, m, &elsewhere);
    assert_holds(value_of(&second, "Authorization"), "nonce=\"n3\", uri=\"/b\"");
    assert_true(!pm_call_header(&elsewhere, STR("Authorization")));
    assert_true(challenged(&a, &elsewhere, 401, "Digest realm=\"r\", nonce=\"e\""));
    pm_call_deinit(&first);
    pm_call_deinit(&second);
    pm_call_deinit(&elsewhere);
    pm_auth_memory_free(m);
    arena_deinit(&a);
}

static void the_nonce_is_counted(void **state)
{
    (void)state;
    arena a;
    pm_call call;
    pm_auth_memory *m = pm_auth_memory_new();
    given g = {.url = "http://h/", .type = "digest", .params = "username=u;password=p"};
    arena_init(&a);
    for (int i = 0; i <= 10; i++) {
        prepare(&a, &g, m, &call);
        if (!i)
            assert_true(challenged(&a, &call, 401,
                                   "Digest realm=\"r\", nonce=\"n\", qop=auth, algorithm=SHA-256"));
        str count = arena_printf(&a, "nc=%08x", i ? i + 1 : 1);
        assert_holds(value_of(&call, "Authorization"), count.ptr);
        assert_holds(value_of(&call, "Authorization"), "algorithm=\"SHA-256\"");
        pm_call_deinit(&call);
    }
    pm_auth_memory_free(m);
    arena_deinit(&a);
}

static void challenges_may_be_left_alone(void **state)
{
    (void)state;
    static const char *const params[] = {
        "username=u;password=p;disableRetryRequest=true",
        "username=u;password=p;realm=r;nonce=n;opaque=o",
        "password=p",
    };
    for (size_t i = 0; i < ARRAY_LEN(params); i++) {
        arena a;
        pm_call call;
        pm_auth_memory *m = pm_auth_memory_new();
        given g = {.url = "http://h/", .type = "digest", .params = params[i]};
        arena_init(&a);
        prepare(&a, &g, m, &call);
        assert_row(i, !challenged(&a, &call, 401, "Digest realm=\"r\", nonce=\"m\", opaque=\"q\""));
        pm_call_deinit(&call);
        pm_auth_memory_free(m);
        arena_deinit(&a);
    }
}

// ---- oauth1

// RFC 5849 §1.2, §2.1 and §3.4.1. The signatures of the first and the fourth aren't those that it
// prints, which fit no secret that it names: they are by an independent implementation.
#define DPF                                                                                        \
    "consumerKey=dpf43f3p2l4k3l03;consumerSecret=kd94hf93k423kf44;signatureMethod=HMAC-SHA1;"
static const row oauth1_rows[] = {
    {{.method = "POST",
      .url = "https://photos.example.net/initiate",
      .type = "oauth1",
      .params = DPF "timestamp=137131200;nonce=wIjqoxSZw;callback=http://printer.example.com/ready;"
                    "realm=Photos;addParamsToHeader=true"},
     "OAuth realm=\"Photos\",oauth_consumer_key=\"dpf43f3p2l4k3l03\","
     "oauth_signature_method=\"HMAC-SHA1\",oauth_timestamp=\"137131200\",oauth_nonce=\"wIjqoxSZw\","
     "oauth_callback=\"http%3A%2F%2Fprinter.example.com%2Fready\","
     "oauth_signature=\"yArLrdy6AKnRF8PKH7B66Km2%2BRQ%3D\"",
     NULL},
    {{.url = "http://photos.example.net/photos?file=vacation.jpg&size=original",
      .type = "oauth1",
      .params = DPF "token=nnch734d00sl2jdk;tokenSecret=pfkkdhi9sl3r4s00;timestamp=137131202;"
                    "nonce=chapoH;addParamsToHeader=true"},
     "oauth_signature=\"MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D\"",
     "size=original"},
    {{.url = "http://photos.example.net/photos?file=vacation.jpg&size=original",
      .type = "oauth1",
      .params = DPF "token=nnch734d00sl2jdk;tokenSecret=pfkkdhi9sl3r4s00;timestamp=137131202;"
                    "nonce=chapoH"},
     "",
     "&oauth_signature=MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"},
    {{.method = "POST",
      .url = "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b",
      .more = ",\"body\":{\"mode\":\"urlencoded\",\"urlencoded\":[{\"key\":\"c2\",\"value\":\"\"},"
              "{\"key\":\"a3\",\"value\":\"2 q\"}]}",
      .type = "oauth1",
      .params = "consumerKey=9djdj82h48djs9d2;consumerSecret=j49sk3j29djd;token=kkk9d7dh3k39sjv7;"
                "tokenSecret=dh893hdasih9;timestamp=137131201;nonce=7d8f3e4a;"
                "addParamsToHeader=true"},
     "oauth_signature=\"r6%2FTJjbCOr97%2F%2BUU0NsvSne7s5g%3D\"",
     "?b5=%3D%253D&a3=a&c%40=&a2=r%20b"},
    {{.url = "https://h/",
      .type = "oauth1",
      .params = "consumerKey=jd83jd92dhsh93js;consumerSecret=ja893SD9;signatureMethod=PLAINTEXT;"
                "addParamsToHeader=true;version=1.0"},
     "oauth_version=\"1.0\",oauth_signature=\"ja893SD9%26\"",
     NULL},
    {{.url = "http://h/?a=1", .type = "oauth1", .params = "consumerKey=k"}, "", "http://h/?a=1"},
    {{.url = "http://h/", .type = "oauth1", .params = DPF "signatureMethod=NONE"}, "", "http://h/"},
    {{.url = "http://h/",
      .type = "oauth1",
      .params = "consumerKey=k;privateKey=none;signatureMethod=RSA-SHA1;addParamsToHeader=true"},
     "",
     "http://h/"},
    {{.url = "http://h/?oauth_nonce=old",
      .type = "oauth1",
      .params = DPF "addEmptyParamsToSign=true;token=;version=;nonce=n;timestamp=1"},
     "",
     "/?oauth_consumer_key=dpf43f3p2l4k3l03&oauth_token=&oauth_signature_method=HMAC-SHA1&"
     "oauth_timestamp=1&oauth_nonce=n&oauth_version=&oauth_signature="},
    // What was written otherwise is sent as it was signed.
    {{.url = "http://h/?a=(b)+c", .type = "oauth1", .params = DPF "addParamsToHeader=true"},
     "OAuth ",
     "/?a=%28b%29%20c"},
    {{.url = "http://h/?a=(b)",
      .type = "oauth1",
      .params = DPF "addParamsToHeader=true",
      .behavior = {.no_encoding = true}},
     "OAuth ",
     "/?a=(b)"},
};

static void oauth1_signs(void **state)
{
    (void)state;
    check_rows(oauth1_rows, ARRAY_LEN(oauth1_rows));
}

static void oauth1_goes_into_a_form(void **state)
{
    (void)state;
    arena a;
    pm_call call;
    given g = {.method = "POST",
               .url = "http://h/",
               .more =
                   ",\"body\":{\"mode\":\"urlencoded\",\"urlencoded\":[{\"key\":\"a\",\"value\":"
                   "\"1\"},{\"key\":\"oauth_token\",\"value\":\"old\"}]}",
               .type = "oauth1",
               .params = DPF "nonce=n;timestamp=1"};
    arena_init(&a);
    prepare(&a, &g, NULL, &call);
    str body = call.body.ptr[0].bytes;
    assert_true(str_starts(body, STR("a=1&oauth_consumer_key=dpf43f3p2l4k3l03&")));
    assert_holds(body, "&oauth_signature=");
    assert_true(call.body_bytes == body.len);
    assert_strz(value_of(&call, "Content-Length"), arena_printf(&a, "%zu", body.len).ptr);
    pm_call_deinit(&call);
    arena_deinit(&a);
}

// draft-eaton-oauth-bodyhash: of any body but a form's, and of none.
static void oauth1_hashes_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *body, *hash;
    } rows[] = {
        {"{\"mode\":\"raw\",\"raw\":\"Hello World!\"}", "Lve95gjOVATpfV8EL5X4nxwjKHE%3D"},
        {"null", "2jmj7l5rSw0yVb%2FvlWAYkK%2FYBwk%3D"},
        {"{\"mode\":\"formdata\",\"formdata\":[{\"key\":\"a\",\"value\":\"1\"}]}", NULL},
        {"{\"mode\":\"urlencoded\",\"urlencoded\":[{\"key\":\"a\",\"value\":\"1\"}]}", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        pm_call call;
        arena_init(&a);
        str more = arena_printf(&a, ",\"body\":%s", rows[i].body);
        given g = {.method = "PUT",
                   .url = "http://h/",
                   .more = more.ptr,
                   .type = "oauth1",
                   .params = DPF "includeBodyHash=true;addParamsToHeader=true"};
        prepare(&a, &g, NULL, &call);
        if (rows[i].hash)
            assert_holds(value_of(&call, "Authorization"), rows[i].hash);
        else
            assert_row(i, str_find(value_of(&call, "Authorization"), STR("body_hash")) < 0);
        pm_call_deinit(&call);
        arena_deinit(&a);
    }
}

// ---- hawk

// The examples of Hawk's own description.
#define DH37                                                                                       \
    "authId=dh37fgj492je;authKey=werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn;algorithm=sha256;"    \
    "timestamp=1353832234;nonce=j4h3g2;extraData=some-app-ext-data"
#define FLYING                                                                                     \
    ",\"header\":[{\"key\":\"Content-Type\",\"value\":\"Text/Plain; charset=x\"}],\"body\":{"      \
    "\"mode\":\"raw\",\"raw\":\"Thank you for flying Hawk\"}"
static const row hawk_rows[] = {
    {{.url = "http://example.com:8000/resource/1?b=1&a=2", .type = "hawk", .params = DH37},
     "Hawk id=\"dh37fgj492je\", ts=\"1353832234\", nonce=\"j4h3g2\", ext=\"some-app-ext-data\", "
     "mac=\"6R4rV5iE+NPoym+WwjeHzjAGXUtLNIxmo1vpMofpLAE=\"",
     NULL},
    {{.method = "POST",
      .url = "http://example.com:8000/resource/1?b=1&a=2",
      .more = FLYING,
      .type = "hawk",
      .params = DH37 ";includePayloadHash=true"},
     "hash=\"Yi9LfIIFRtBEPt74PVmbTF/xVAwPn7ub15ePICfgnuY=\", ext=\"some-app-ext-data\", "
     "mac=\"aSe1DERmZuRl3pI36/9BdZmnErTw3sNzOOAUlfeKjVw=\"",
     NULL},
    {{.url = "http://h/", .type = "hawk", .params = "authId=a;authKey=b;app=x;delegation=y"},
     "app=\"x\", dlg=\"y\"",
     NULL},
    {{.url = "http://h/", .type = "hawk", .params = "authId=a"}, "", NULL},
    {{.url = "http://h/", .type = "hawk", .params = "authId=a;authKey=b;algorithm=md5"}, "", NULL},
};

static void hawk_signs(void **state)
{
    (void)state;
    check_rows(hawk_rows, ARRAY_LEN(hawk_rows));
}

// ---- awsv4

#define IAM                                                                                        \
    ",\"header\":[{\"key\":\"Content-Type\",\"value\":\"application/x-www-form-urlencoded; "       \
    "charset=utf-8\"},{\"key\":\"Authorization\",\"value\":\"old\"},{\"key\":\"User-Agent\","      \
    "\"value\":\"me\"}]"
static const row aws_rows[] = {
    // Signing an API request, the example of the IAM user guide.
    {{.url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
      .more = IAM,
      .type = "awsv4",
      .params = "accessKey=AKIDEXAMPLE;secretKey=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY;"
                "service=iam"},
     "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
     "SignedHeaders=content-type;host;x-amz-date, "
     "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
     NULL},
    // Of the test suite: a path to normalise, a query to sort.
    {{.url = "https://example.amazonaws.com/?Param2=value2&Param1=value1",
      .type = "awsv4",
      .params = "accessKey=AKIDEXAMPLE;secretKey=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY;"
                "service=service"},
     "Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
     NULL},
    {{.url = "https://example.amazonaws.com/example1/example2/../..",
      .type = "awsv4",
      .params = "accessKey=AKIDEXAMPLE;secretKey=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY;"
                "service=service"},
     "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
     NULL},
    {{.url = "https://example.amazonaws.com//./example//",
      .type = "awsv4",
      .params = "accessKey=AKIDEXAMPLE;secretKey=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY;"
                "service=service"},
     "Signature=9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
     NULL},
};
// The user guide of S3: a bucket's lifecycle, and a presigned object.
static const row s3_rows[] = {
    {{.url = "http://examplebucket.s3.amazonaws.com/?lifecycle",
      .type = "awsv4",
      .params = "accessKey=AKIAIOSFODNN7EXAMPLE;"
                "secretKey=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY;service=s3"},
     "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
     "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
     NULL},
    {{.url = "https://examplebucket.s3.amazonaws.com/test.txt",
      .type = "awsv4",
      .params = "accessKey=AKIAIOSFODNN7EXAMPLE;"
                "secretKey=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY;service=s3;"
                "addAuthDataToQuery=true"},
     "",
     "&X-Amz-SignedHeaders=host&"
     "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"},
};

static void awsv4_signs(void **state)
{
    (void)state;
    at_time(1440938160);
    check_rows(aws_rows, ARRAY_LEN(aws_rows));
    at_time(1369353600);
    check_rows(s3_rows, ARRAY_LEN(s3_rows));
}

static void awsv4_hashes_bodies(void **state)
{
    (void)state;
    arena a;
    pm_call call;
    given g = {.method = "POST",
               .url = "http://h/",
               .more = ",\"body\":{\"mode\":\"raw\",\"raw\":\"hello\"}",
               .type = "awsv4",
               .params = "accessKey=a;secretKey=s;sessionToken=tok"};
    arena_init(&a);
    prepare(&a, &g, NULL, &call);
    assert_strz(value_of(&call, "X-Amz-Content-Sha256"),
                "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_strz(value_of(&call, "X-Amz-Security-Token"), "tok");
    assert_holds(value_of(&call, "Authorization"),
                 "/us-east-1/execute-api/aws4_request, SignedHeaders=content-type;host;"
                 "x-amz-content-sha256;x-amz-date;x-amz-security-token, ");
    pm_call_deinit(&call);
    arena_deinit(&a);
}

// ---- edgegrid

// Akamai's published test data; the header with blanks by an independent implementation.
#define AKAB                                                                                       \
    "accessToken=akab-access-token-xxx-xxxxxxxxxxxxxxxx;"                                          \
    "clientToken=akab-client-token-xxx-xxxxxxxxxxxxxxxx;"                                          \
    "clientSecret=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=;"                                   \
    "nonce=nonce-xx-xxxx-xxxx-xxxx-xxxxxxxxxxxx;timestamp=20140321T19:34:21+0000;"                 \
    "headersToSign=X-Test1,x-test2, X-Test3"
#define AKAA "https://akaa-baseurl-xxxxxxxxxxx-xxxxxxxxxxxxx.luna.akamaiapis.net"
static const row edgegrid_rows[] = {
    {{.url = AKAA "/", .type = "edgegrid", .params = AKAB},
     "EG1-HMAC-SHA256 client_token=akab-client-token-xxx-xxxxxxxxxxxxxxxx;"
     "access_token=akab-access-token-xxx-xxxxxxxxxxxxxxxx;timestamp=20140321T19:34:21+0000;"
     "nonce=nonce-xx-xxxx-xxxx-xxxx-xxxxxxxxxxxx;"
     "signature=tL+y4hxyHxgWVD30X3pWnGKHcPzmrIF+LThiAOhMxYU=",
     NULL},
    {{.url = AKAA "/testapi/v1/t1?p1=1&p2=2", .type = "edgegrid", .params = AKAB},
     "signature=hKDH1UlnQySSHjvIcZpDMbQHihTQ0XyVAKZaApabdeA=",
     NULL},
    {{.method = "POST",
      .url = AKAA "/testapi/v1/t3",
      .more = ",\"body\":{\"mode\":\"raw\",\"raw\":\"datadatadatadatadatadatadatadata\"}",
      .type = "edgegrid",
      .params = AKAB},
     "signature=hXm4iCxtpN22m4cbZb4lVLW5rhX8Ca82vCFqXzSTPe4=",
     NULL},
    {{.url = AKAA "/testapi/v1/t4",
      .more = ",\"header\":[{\"key\":\"X-Test1\",\"value\":\"\\\"     test-header-with-spaces    "
              "\\\"\"}]",
      .type = "edgegrid",
      .params = AKAB},
     "signature=ucq2AbjCNtobHfCTuS38fdkl5UDdWHZhQX46fYR8CqI=",
     NULL},
    {{.url = "http://127.0.0.1:81/", .type = "edgegrid", .params = AKAB ";baseURL=" AKAA},
     "signature=",
     NULL},
    {{.url = AKAA "/", .type = "edgegrid", .params = "accessToken=a;clientToken=b"}, "", NULL},
};

static void edgegrid_signs(void **state)
{
    (void)state;
    check_rows(edgegrid_rows, ARRAY_LEN(edgegrid_rows));
}

// ---- jwt and asap; their signatures with keys are checked from outside

#define JOHN                                                                                       \
    "payload={\"sub\":\"1234567890\",\"name\":\"John Doe\",\"iat\":1516239022};header={\"alg\":"   \
    "\"none\",\"typ\":\"JWT\"};algorithm=HS256;"
#define JOHNS                                                                                      \
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."                                                        \
    "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ."                  \
    "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
static const row jwt_rows[] = {
    {{.url = "http://h/", .type = "jwt", .params = JOHN "secret=your-256-bit-secret"},
     "Bearer " JOHNS,
     NULL},
    {{.url = "http://h/",
      .type = "jwt",
      .params = JOHN "secret=eW91ci0yNTYtYml0LXNlY3JldA;isSecretBase64Encoded=true;"
                     "headerPrefix="},
     JOHNS,
     NULL},
    {{.url = "http://h/?token=old&a=1",
      .type = "jwt",
      .params = JOHN "secret=your-256-bit-secret;addTokenTo=queryParam"},
     "",
     "/?a=1&token=" JOHNS},
    {{.url = "http://h/", .type = "jwt", .params = "algorithm=none;secret=a"}, "", NULL},
    {{.url = "http://h/", .type = "jwt", .params = "algorithm=HS256"}, "", NULL},
    {{.url = "http://h/", .type = "jwt", .params = "algorithm=RS256;privateKey=x"}, "", NULL},
    {{.url = "http://h/", .type = "jwt", .params = "algorithm=HS256;secret=a;payload=[1]"},
     "",
     NULL},
    {{.url = "http://h/", .type = "asap", .params = "kid=k;iss=i;aud=a"}, "", NULL},
    {{.url = "http://h/", .type = "asap", .params = "kid=k;iss=i;aud=a;privateKey=data:x,y"},
     "",
     NULL},
    {{.url = "http://h/", .type = "asap", .params = "kid=k;iss=i;aud=a;alg=HS256;privateKey=s"},
     "",
     NULL},
};

static void jwt_signs(void **state)
{
    (void)state;
    check_rows(jwt_rows, ARRAY_LEN(jwt_rows));
}

static void a_refusal_to_sign_is_told_without_the_key(void **state)
{
    (void)state;
    static const struct {
        const char *type, *params, *told;
    } rows[] = {
        {"jwt", "algorithm=RS256;privateKey=SECRET",
         "jwt.auth: could not sign the request: the "
         "private key can't be read"},
        {"asap", "kid=k;iss=i;aud=a;privateKey=data:SECRET,SECRET", "asap.auth: could not sign"},
        {"oauth1", "consumerKey=k;signatureMethod=RSA-SHA256;privateKey=SECRET", "oauth1.auth: "},
        {"hawk", "authId=k;authKey=SECRET;algorithm=x", "hawk.auth: "},
        {"digest", "username=u;password=SECRET;realm=r;nonce=n;algorithm=SECRET", "digest.auth: "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        pm_call call;
        given g = {.url = "http://h/", .type = rows[i].type, .params = rows[i].params};
        arena_init(&a);
        prepare(&a, &g, NULL, &call);
        assert_row(i, call.warnings.len == 1);
        assert_holds(call.warnings.ptr[0], rows[i].told);
        assert_row(i, str_find(call.warnings.ptr[0], STR("SECRET")) < 0);
        pm_call_deinit(&call);
        arena_deinit(&a);
    }
}

// ---- ntlm; what a right server answers is checked from outside

static str message2(arena *a, size_t len, uint32_t info_at, uint32_t info_len)
{
    char m[64] = "NTLMSSP";
    buf text;
    m[8] = 2;
    m[20] = 1;
    m[22] = (char)0x80;
    for (int i = 0; i < 2; i++)
        m[40 + i] = (char)(info_len >> 8 * i);
    for (int i = 0; i < 4; i++)
        m[44 + i] = (char)(info_at >> 8 * i);
    buf_init(&text, 256);
    buf_addz(&text, "NTLM ");
    base64_encode(&text, (str){m, len});
    str copy = arena_str(a, buf_str(&text));
    buf_deinit(&text);
    return copy;
}

static void ntlm_takes_three_steps(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint32_t at, info;
        bool answered;
    } rows[] = {
        {48, 48, 0, true},          {64, 48, 16, true}, {40, 0, 0, true},  {64, 48, 17, false},
        {64, 0xffffffff, 1, false}, {64, 65, 0, false}, {31, 0, 0, false}, {0, 0, 0, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        pm_call call;
        pm_auth_memory *m = pm_auth_memory_new();
        given g = {.url = "http://h/", .type = "ntlm", .params = "username=d\\u;password=p"};
        arena_init(&a);
        prepare(&a, &g, m, &call);
        assert_row(i, !pm_call_header(&call, STR("Authorization")));
        assert_row(i, !challenged(&a, &call, 401, "Basic realm=\"x\""));
        assert_row(i, challenged(&a, &call, 401, "Negotiate, NTLM"));
        assert_holds(value_of(&call, "Authorization"), "NTLM TlRMTVNTUAABAAAA");
        str second = message2(&a, rows[i].len, rows[i].at, rows[i].info);
        assert_row(i, challenged(&a, &call, 401, second.ptr) == rows[i].answered);
        if (rows[i].answered)
            assert_holds(value_of(&call, "Authorization"), "NTLM TlRMTVNTUAADAAAA");
        assert_row(i, !rows[i].answered || !challenged(&a, &call, 401, second.ptr));
        pm_call_deinit(&call);
        pm_auth_memory_free(m);
        arena_deinit(&a);
    }
}

// Half of what a text may be is twice as much in UTF-16: its hash must end all the same.
static void T50_ntlm_takes_a_long_password(void **state)
{
    (void)state;
    enum { LONG = 9 << 20 };
    static const char before[] = "username=u;password=";
    arena a;
    pm_call call;
    pm_auth_memory *m = pm_auth_memory_new();
    arena_init(&a);
    char *params = arena_alloc(&a, LONG);
    memset(params, 'p', LONG - 1);
    memcpy(params, before, strlen(before));
    given g = {.url = "http://h/", .type = "ntlm", .params = params};
    prepare(&a, &g, m, &call);
    assert_true(challenged(&a, &call, 401, "NTLM"));
    assert_true(challenged(&a, &call, 401, message2(&a, 40, 0, 0).ptr));
    assert_holds(value_of(&call, "Authorization"), "NTLM TlRMTVNTUAADAAAA");
    pm_call_deinit(&call);
    pm_auth_memory_free(m);
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digest_signs),
        cmocka_unit_test(a_challenge_is_answered_and_remembered),
        cmocka_unit_test(the_nonce_is_counted),
        cmocka_unit_test(challenges_may_be_left_alone),
        cmocka_unit_test(oauth1_signs),
        cmocka_unit_test(oauth1_goes_into_a_form),
        cmocka_unit_test(oauth1_hashes_bodies),
        cmocka_unit_test(hawk_signs),
        cmocka_unit_test(awsv4_signs),
        cmocka_unit_test(awsv4_hashes_bodies),
        cmocka_unit_test(edgegrid_signs),
        cmocka_unit_test(jwt_signs),
        cmocka_unit_test(ntlm_takes_three_steps),
        cmocka_unit_test(T50_ntlm_takes_a_long_password),
        cmocka_unit_test(a_refusal_to_sign_is_told_without_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
