// SPDX-License-Identifier: Apache-2.0
// Finds what has the shape of a credential in text that people will read. One pass; a shape that
// does not complete is skipped as a whole, so the time is linear in the text.
#include <string.h>

#include "jose/jose.h"

enum {
    HEADER_MIN = 12, // {"alg":"x"} has 11 bytes, 15 digits
    SIGNATURE_MIN = 16,
    ACCESS_MIN = 10,
    REFRESH_MIN = 20,
    BASE64_MIN = 32, // shorter words hold no credential
    DEPTH_MAX = 2,   // percent-encoding of base64
};

static bool is_url64(char c)
{
    return ascii_is_alnum(c) || c == '-' || c == '_';
}

static bool is_base64(char c)
{
    return is_url64(c) || c == '+' || c == '/';
}

static bool is_word(char c)
{
    return is_base64(c) || c == '.' || c == '~' || c == '=' || c == '%';
}

static size_t run(str s, size_t from, bool (*is)(char c))
{
    size_t end = from;
    while (end < s.len && is(s.ptr[end]))
        end++;
    return end;
}

// ---- shapes in plain text

// How `{` followed by a quote or a blank begins in base64url.
static bool opens_object(str s)
{
    static const char starts[][4] = {"eyJ", "eyA", "ewo", "ewk", "ew0"};
    for (size_t i = 0; i < ARRAY_LEN(starts); i++)
        if (str_starts(s, str_from(starts[i])))
            return true;
    return false;
}

// The end of the JWT (or JWE) that begins at `at`; otherwise 0, and *ret_skip is where to look on.
static size_t jwt_end(str s, size_t at, size_t *ret_skip)
{
    size_t header = run(s, at, is_url64);
    *ret_skip = header;
    if (header - at < HEADER_MIN || header == s.len || s.ptr[header] != '.')
        return 0;
    size_t claims = run(s, header + 1, is_url64);
    if (claims == s.len || s.ptr[claims] != '.')
        return 0;
    size_t end = run(s, claims + 1, is_url64);
    if (end - claims <= SIGNATURE_MIN)
        return 0;
    while (end + 1 < s.len && s.ptr[end] == '.' && is_url64(s.ptr[end + 1]))
        end = run(s, end + 1, is_url64);
    return end;
}

static bool is_access(char c)
{
    return is_url64(c) || c == '.';
}

// Finds the first shape at or after `from`.
static bool find_shape(str s, size_t from, size_t *ret_start, size_t *ret_end)
{
    for (size_t i = from; i + 3 < s.len; i++) {
        size_t end = 0, skip = i + 1;
        str rest = str_skip(s, i);
        if (s.ptr[i] == 'e' && opens_object(rest)) {
            end = jwt_end(s, i, &skip);
        } else if (s.ptr[i] == 'y' && str_starts(rest, STR("ya29."))) {
            size_t stop = run(s, i + 5, is_access);
            end = stop - i - 5 >= ACCESS_MIN ? stop : 0;
        } else if (s.ptr[i] == '1' && str_starts(rest, STR("1//"))) {
            size_t stop = run(s, i + 3, is_url64);
            end = stop - i - 3 >= REFRESH_MIN ? stop : 0;
        }
        if (end) {
            *ret_start = i;
            *ret_end = end;
            return true;
        }
        i = skip - 1;
    }
    return false;
}

// ---- shapes under an encoding

static bool holds_credential(str word, unsigned depth);

static int digit_value(char c)
{
    if (ascii_is_digit(c))
        return c - '0' + 52;
    if (ascii_is_alpha(c))
        return c >= 'a' ? c - 'a' + 26 : c - 'A';
    return c == '+' || c == '-' ? 62 : 63;
}

// Decodes whole groups of either alphabet: what surrounds a credential may be cut or unpadded.
static void decode_loosely(str digits, buf *out)
{
    for (; digits.len >= 2; digits = str_skip(digits, 4)) {
        uint32_t group = 0;
        for (size_t i = 0; i < 4; i++)
            group = group << 6 | (uint32_t)(i < digits.len ? digit_value(digits.ptr[i]) : 0);
        char bytes[3] = {(char)(group >> 16), (char)(group >> 8), (char)group};
        buf_add(out, bytes, digits.len < 4 ? digits.len - 1 : 3);
    }
}

// Base64 of a text that holds a credential: each of the four ways to group the digits.
static bool base64_holds(str digits, unsigned depth)
{
    buf b;
    buf_init(&b, digits.len);
    bool found = false;
    for (size_t shift = 0; shift < 4 && !found; shift++) {
        buf_reset(&b);
        decode_loosely(str_skip(digits, shift), &b);
        found = holds_credential(buf_str(&b), depth + 1);
    }
    buf_wipe(&b);
    buf_deinit(&b);
    return found;
}

static bool percent_holds(str word, unsigned depth)
{
    buf b;
    buf_init(&b, word.len);
    percent_decode(&b, word); // up to a bad escape: the part before it counts
    bool found = b.len < word.len && holds_credential(buf_str(&b), depth + 1);
    buf_wipe(&b);
    buf_deinit(&b);
    return found;
}

static bool private_key_at(str s)
{
    if (!str_starts(s, STR("-----BEGIN ")))
        return false;
    str label = str_sub(s, 11, 64);
    ssize_t end = str_find(label, STR("-----"));
    return end >= 0 && str_ends(str_sub(label, 0, (size_t)end), STR("PRIVATE KEY"));
}

static bool holds_credential(str text, unsigned depth)
{
    size_t start, end;
    ssize_t pem = str_find(text, STR("-----BEGIN "));
    if (find_shape(text, 0, &start, &end) ||
        (pem >= 0 && private_key_at(str_skip(text, (size_t)pem))))
        return true;
    if (depth >= DEPTH_MAX)
        return false;
    if (str_chr(text, '%') >= 0 && percent_holds(text, depth))
        return true;
    for (size_t i = 0; i < text.len; i++) {
        size_t stop = run(text, i, is_base64);
        if (stop - i >= BASE64_MIN && base64_holds(str_sub(text, i, stop), depth))
            return true;
        i = stop;
    }
    return false;
}

// ---- replacing

// Copies a word with its plain shapes replaced; false when it has none.
static bool redact_plain(str word, buf *out)
{
    size_t at = 0, start, end;
    while (find_shape(word, at, &start, &end)) {
        buf_adds(out, str_sub(word, at, start));
        buf_addz(out, SECRET_SHOWN);
        at = end;
    }
    if (at)
        buf_adds(out, str_skip(word, at));
    return at > 0;
}

static bool redact_word(str word, buf *out)
{
    if (redact_plain(word, out))
        return true;
    bool hidden = word.len >= BASE64_MIN && holds_credential(word, 0);
    buf_adds(out, hidden ? STR(SECRET_SHOWN) : word);
    return hidden;
}

// The end of the PEM block that begins s: all of s when it isn't closed.
static size_t pem_end(str s)
{
    ssize_t end = str_find(s, STR("-----END "));
    ssize_t close = end < 0 ? -1 : str_find(str_skip(s, (size_t)end + 9), STR("-----"));
    return close < 0 ? s.len : (size_t)end + 9 + (size_t)close + 5;
}

bool jose_redact(str in, buf *out)
{
    bool found = false;
    for (size_t i = 0; i < in.len;) {
        str rest = str_skip(in, i);
        size_t end = run(in, i, is_word);
        if (*rest.ptr == '-' && private_key_at(rest)) {
            buf_addz(out, SECRET_SHOWN);
            i += pem_end(rest);
            found = true;
        } else if (end > i) {
            // A key may begin inside a word ("\n-----BEGIN" in JSON): stop before its dashes.
            ssize_t dashes = str_find(str_sub(in, i + 1, end), STR("-----BEGIN"));
            if (dashes >= 0)
                end = i + 1 + (size_t)dashes;
            found |= redact_word(str_sub(in, i, end), out);
            i = end;
        } else {
            buf_addc(out, in.ptr[i++]);
        }
    }
    return found;
}
