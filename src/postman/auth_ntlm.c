// SPDX-License-Identifier: Apache-2.0
// NTLM over HTTP ([MS-NTHT], [MS-NLMP]), with responses of NTLMv2. The handshake belongs to one
// connection, so that the request is sent three times: as it is, with a negotiation, and with the
// answer to the server's challenge. Which of them a call is at is told by its own header.
#include "postman/auth.h"

enum { MESSAGE_BYTES_MAX = 16 << 10, HASH_LEN = 16, CHALLENGE_LEN = 8, MESSAGE3_HEAD = 64 };
enum {
    NEGOTIATE_UNICODE = 0x1,
    NEGOTIATE_OEM = 0x2,
    REQUEST_TARGET = 0x4,
    NEGOTIATE_NTLM = 0x200,
    ALWAYS_SIGN = 0x8000,
    EXTENDED_SESSION = 0x80000,
    TARGET_INFO = 0x800000,
};
static const uint32_t offered = NEGOTIATE_UNICODE | NEGOTIATE_OEM | REQUEST_TARGET |
                                NEGOTIATE_NTLM | ALWAYS_SIGN | EXTENDED_SESSION;

// ---- MD4 (RFC 1320), which OpenSSL has put away

static uint32_t rotated(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

// One step of a round: `k` is the word's index.
static void md4_step(uint32_t s[4], unsigned i, const uint32_t x[16])
{
    static const unsigned char order[3][16] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
        {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15},
        {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15}};
    static const unsigned char shifts[3][4] = {{3, 7, 11, 19}, {3, 5, 9, 13}, {3, 9, 11, 15}};
    static const uint32_t added[3] = {0, 0x5a827999, 0x6ed9eba1};
    unsigned round = i / 16;
    uint32_t b = s[1], c = s[2], d = s[3];
    uint32_t f = round == 0   ? (b & c) | (~b & d)
                 : round == 1 ? (b & c) | (b & d) | (c & d)
                              : b ^ c ^ d;
    uint32_t made =
        rotated(s[0] + f + x[order[round][i % 16]] + added[round], shifts[round][i % 4]);
    s[0] = d;
    s[3] = c;
    s[2] = b;
    s[1] = made;
}

static void md4_block(uint32_t state[4], const unsigned char block[64])
{
    uint32_t x[16], s[4];
    for (int i = 0; i < 16; i++)
        x[i] = (uint32_t)block[4 * i] | (uint32_t)block[4 * i + 1] << 8 |
               (uint32_t)block[4 * i + 2] << 16 | (uint32_t)block[4 * i + 3] << 24;
    memcpy(s, state, sizeof(s));
    for (unsigned i = 0; i < 48; i++)
        md4_step(s, i, x);
    for (int i = 0; i < 4; i++)
        state[i] += s[i];
    secret_wipe(x, sizeof(x));
}

static void add_number(buf *out, uint64_t n, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_addc(out, (char)(n >> 8 * i));
}

static void md4(str text, buf *out)
{
    uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    buf padded;
    buf_init(&padded, text.len + 128);
    buf_adds(&padded, text);
    buf_addc(&padded, (char)0x80);
    while (padded.len % 64 != 56)
        buf_addc(&padded, 0);
    add_number(&padded, (uint64_t)text.len * 8, 8);
    for (size_t at = 0; at < padded.len; at += 64)
        md4_block(state, (const unsigned char *)padded.ptr + at);
    for (int i = 0; i < 4; i++)
        add_number(out, state[i], 4);
    buf_wipe(&padded);
    buf_deinit(&padded);
}

// ---- who

typedef struct account account;
struct account {
    str user, domain, workstation, password;
};

static str upper(arena *a, str text)
{
    char *copy = arena_cstr(a, text);
    for (char *p = copy; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 32);
    return (str){copy, text.len};
}

// "DOMAIN\user" and "user@domain" name the domain too, when no parameter does.
static account read_account(arena *a, const json *params)
{
    account who = {.user = auth_param(a, params, "username"),
                   .domain = auth_param(a, params, "domain"),
                   .workstation = upper(a, auth_param(a, params, "workstation")),
                   .password = auth_param(a, params, "password")};
    str head, tail;
    bool slash = str_chr(who.user, '\\') >= 0, at = str_chr(who.user, '@') >= 0;
    if (!who.domain.len && slash != at) {
        str_cut(who.user, slash ? '\\' : '@', &head, &tail);
        if (head.len && tail.len) {
            who.user = slash ? tail : head;
            who.domain = slash ? head : tail;
        }
    }
    who.domain = upper(a, who.domain);
    return who;
}

// ---- messages

static str as_header(arena *a, const buf *message)
{
    buf text;
    buf_init(&text, 2 * MESSAGE_BYTES_MAX);
    buf_addz(&text, "NTLM ");
    base64_encode(&text, buf_str(message));
    str copy = arena_str(a, buf_str(&text));
    buf_deinit(&text);
    return copy;
}

static str negotiation(arena *a)
{
    buf m;
    buf_init(&m, MESSAGE_BYTES_MAX);
    buf_add(&m, "NTLMSSP", 8);
    add_number(&m, 1, 4);
    add_number(&m, offered, 4);
    add_number(&m, 0, 8); // no domain
    add_number(&m, 0, 8); // no workstation
    str text = as_header(a, &m);
    buf_deinit(&m);
    return text;
}

typedef struct challenge challenge;
struct challenge {
    uint32_t flags;
    str nonce;
    str info;  // of the target
    str stamp; // in it; empty: none
};

static uint32_t number_at(str m, size_t at, int bytes)
{
    uint32_t n = 0;
    for (int i = 0; i < bytes; i++)
        n |= (uint32_t)(unsigned char)m.ptr[at + (size_t)i] << 8 * i;
    return n;
}

// A list of {id, length, value}; 7 is the server's time, 0 the end.
static str find_stamp(str info)
{
    while (info.len >= 4) {
        uint32_t id = number_at(info, 0, 2), len = number_at(info, 2, 2);
        if (id == 7 && len == 8 && info.len >= 12)
            return str_sub(info, 4, 12);
        if (!id)
            break;
        info = str_skip(info, 4 + len);
    }
    return STR_NONE;
}

static bool read_challenge(str m, challenge *ret)
{
    if (m.len < 32 || memcmp(m.ptr, "NTLMSSP", 8) != 0 || number_at(m, 8, 4) != 2)
        return false;
    *ret = (challenge){.flags = number_at(m, 20, 4), .nonce = str_sub(m, 24, 32)};
    if (ret->flags & TARGET_INFO && m.len >= 48) {
        size_t len = number_at(m, 40, 2), at = number_at(m, 44, 4);
        if (at > m.len || len > m.len - at)
            return false;
        ret->info = str_sub(m, at, at + len);
        ret->stamp = find_stamp(ret->info);
    }
    return true;
}

static str wide(arena *a, str text, bool unicode)
{
    buf out;
    if (!unicode)
        return text;
    buf_init(&out, 2 * PM_TEXT_BYTES_MAX);
    for (size_t at = 0; at < text.len;) {
        uint32_t ch = (unsigned char)text.ptr[at];
        size_t len = utf8_decode(str_skip(text, at), &ch);
        if (ch >= 0x10000) {
            add_number(&out, 0xd800 + ((ch - 0x10000) >> 10), 2);
            add_number(&out, 0xdc00 + ((ch - 0x10000) & 0x3ff), 2);
        } else {
            add_number(&out, ch, 2);
        }
        at += len ? len : 1; // a byte that is no UTF-8 stands for itself
    }
    str copy = arena_str(a, buf_str(&out));
    buf_wipe(&out);
    buf_deinit(&out);
    return copy;
}

// [MS-NLMP] §3.3.2, NTOWFv2.
static void response_key(arena *a, const account *who, buf *out)
{
    buf hash;
    buf_init(&hash, HASH_LEN);
    md4(wide(a, who->password, true), &hash);
    str name = arena_printf(a, STR_FMT STR_FMT, STR_ARG(upper(a, who->user)), STR_ARG(who->domain));
    auth_hmac("MD5", buf_str(&hash), wide(a, name, true), out);
    buf_wipe(&hash);
    buf_deinit(&hash);
}

// What the proof of the new response is over, behind the server's nonce.
static void add_own_text(const challenge *c, str own, buf *out)
{
    add_number(out, 0x0101, 8);
    if (c->stamp.len)
        buf_adds(out, c->stamp);
    else // 100 ns since 1601
        add_number(out, (uint64_t)clock_wall_ms() * 10000 + 116444736000000000ULL, 8);
    buf_adds(out, own);
    add_number(out, 0, 4);
    buf_adds(out, c->info);
    add_number(out, 0, 4);
}

// Both responses are a proof over the server's nonce and ours; the old one is nothing but zeros
// where the server tells its time.
static void respond(arena *a, const account *who, const challenge *c, buf *ret_lm, buf *ret_nt)
{
    char own_bytes[CHALLENGE_LEN];
    str own = {own_bytes, sizeof(own_bytes)};
    buf key, text;
    buf_init(&key, HASH_LEN);
    buf_init(&text, MESSAGE_BYTES_MAX);
    rand_bytes(own_bytes, sizeof(own_bytes));
    response_key(a, who, &key);
    buf_adds(&text, c->nonce);
    add_own_text(c, own, &text);
    auth_hmac("MD5", buf_str(&key), buf_str(&text), ret_nt);
    buf_adds(ret_nt, str_skip(buf_str(&text), c->nonce.len));
    buf_truncate(&text, c->nonce.len);
    buf_adds(&text, own);
    if (!c->stamp.len) {
        auth_hmac("MD5", buf_str(&key), buf_str(&text), ret_lm);
        buf_adds(ret_lm, own);
    }
    while (ret_lm->len < HASH_LEN + CHALLENGE_LEN)
        buf_addc(ret_lm, 0);
    buf_wipe(&key);
    buf_deinit(&key);
    buf_deinit(&text);
}

static str answer(arena *a, const account *who, const challenge *c)
{
    bool unicode = c->flags & NEGOTIATE_UNICODE;
    buf lm, nt, head, body;
    buf_init(&lm, MESSAGE_BYTES_MAX);
    buf_init(&nt, MESSAGE_BYTES_MAX);
    buf_init(&head, MESSAGE_BYTES_MAX);
    buf_init(&body, MESSAGE_BYTES_MAX);
    respond(a, who, c, &lm, &nt);
    const str fields[] = {buf_str(&lm),
                          buf_str(&nt),
                          wide(a, who->domain, unicode),
                          wide(a, who->user, unicode),
                          wide(a, who->workstation, unicode),
                          STR_NONE}; // no session key
    buf_add(&head, "NTLMSSP", 8);
    add_number(&head, 3, 4);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        add_number(&head, fields[i].len, 2);
        add_number(&head, fields[i].len, 2);
        add_number(&head, MESSAGE3_HEAD + body.len, 4);
        buf_adds(&body, fields[i]);
    }
    add_number(&head, c->flags & (offered | TARGET_INFO), 4);
    buf_adds(&head, buf_str(&body));
    str text = buf_ok(&head) && buf_ok(&body) ? as_header(a, &head) : STR_NONE;
    buf_deinit(&lm);
    buf_deinit(&nt);
    buf_deinit(&head);
    buf_deinit(&body);
    return text;
}

// ---- the handshake

void sign_ntlm(builder *b, const json *params)
{
    (void)params;
    builder_drop_header(b, STR("Authorization"));
}

static bool is_offered(const pm_answer *answer)
{
    for (size_t i = 0; i < answer->challenge_count; i++)
        if (str_ifind(answer->challenges[i], STR("NTLM")) >= 0 ||
            str_ieq(answer->challenges[i], STR("Negotiate")))
            return true;
    return false;
}

static bool find_challenge(const pm_answer *answer, buf *raw, challenge *ret)
{
    for (size_t i = 0; i < answer->challenge_count; i++) {
        buf_reset(raw);
        if (str_istarts(answer->challenges[i], STR("NTLM ")) &&
            base64_decode(raw, str_trim(str_skip(answer->challenges[i], 5))) &&
            read_challenge(buf_str(raw), ret))
            return true;
    }
    return false;
}

bool answer_ntlm(const auth_answer *x, str *ret_header)
{
    const pm_header *sent = pm_call_header(x->call, STR("Authorization"));
    if ((x->answer->status != 401 && x->answer->status != 403) ||
        auth_flag(x->params, "disableRetryRequest"))
        return false;
    if (!sent) {
        *ret_header = negotiation(x->arena);
        return is_offered(x->answer);
    }
    if (!str_eq(sent->value, negotiation(x->arena)))
        return false; // the answer was refused
    account who = read_account(x->arena, x->params);
    challenge c;
    buf raw;
    buf_init(&raw, MESSAGE_BYTES_MAX);
    bool found = find_challenge(x->answer, &raw, &c);
    if (found)
        *ret_header = answer(x->arena, &who, &c);
    buf_deinit(&raw);
    return found;
}
