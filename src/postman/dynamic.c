// SPDX-License-Identifier: Apache-2.0
// Dynamic variables: each is a pattern over the word lists, or a function where a pattern can't say
// it. In a pattern `#` is a digit, `%` a hexadecimal one, `^` a capital, `~` a small letter,
// <list> a word of that list, <a:b> a number from a to b, and `\` takes the next character as it
// is.
#include "postman/dynamic.h"

#include <time.h>

#include "postman/postman.h"

static str pick(const char *words)
{
    size_t count = 1;
    for (const char *p = words; *p; p++)
        count += *p == '|';
    size_t wanted = rand_below(count);
    str rest = str_from(words), word = STR_NONE;
    for (size_t i = 0; i <= wanted; i++)
        str_cut(rest, '|', &word, &rest);
    return word;
}

static void add_reference(buf *out, str name)
{
    str from, to;
    int64_t low, high;
    if (str_cut(name, ':', &from, &to) && str_to_i64(from, &low) && str_to_i64(to, &high))
        buf_addf(out, "%lld", (long long)low + (long long)rand_below((uint64_t)(high - low) + 1));
    else
        buf_adds(out, pick(dynamic_words(name)));
}

static void add_pattern(buf *out, const char *pattern)
{
    for (const char *p = pattern; *p; p++) {
        if (*p == '#')
            buf_addc(out, (char)('0' + rand_below(10)));
        else if (*p == '%')
            buf_addc(out, "0123456789abcdef"[rand_below(16)]);
        else if (*p == '^')
            buf_addc(out, (char)('A' + rand_below(26)));
        else if (*p == '~')
            buf_addc(out, (char)('a' + rand_below(26)));
        else if (*p == '\\')
            buf_addc(out, *++p);
        else if (*p == '<') {
            const char *end = strchr(p, '>');
            add_reference(out, (str){p + 1, (size_t)(end - p - 1)});
            p = end;
        } else
            buf_addc(out, *p);
    }
}

// ---- what a pattern can't say

static void add_guid(buf *out)
{
    char text[RAND_UUID_MAX];
    rand_uuid(text);
    buf_addz(out, text);
}

static void add_timestamp(buf *out)
{
    buf_addf(out, "%lld", (long long)((clock_wall_ms() + 500) / 1000));
}

static void add_iso_timestamp(buf *out)
{
    int64_t ms = clock_wall_ms();
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    char text[40];
    gmtime_r(&s, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    buf_addf(out, "%s.%03dZ", text, (int)(ms % 1000));
}

// As JavaScript's Date.prototype.toString says it, in UTC.
static void add_date(buf *out, int64_t from_s, int64_t to_s)
{
    time_t s = (time_t)(clock_wall_s() + from_s + (int64_t)rand_below((uint64_t)(to_s - from_s)));
    struct tm tm;
    char text[80];
    gmtime_r(&s, &tm);
    strftime(text, sizeof(text), "%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)", &tm);
    buf_addz(out, text);
}

enum { DAY_S = 86400, YEAR_S = 365 * DAY_S };
static void add_date_past(buf *out)
{
    add_date(out, -YEAR_S, 0);
}
static void add_date_future(buf *out)
{
    add_date(out, 1, YEAR_S);
}
static void add_date_recent(buf *out)
{
    add_date(out, -DAY_S, 0);
}

static void add_words(buf *out, const char *list, size_t min, size_t max, char separator)
{
    size_t count = min + rand_below(max - min + 1);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_addc(out, separator);
        buf_adds(out, pick(dynamic_words(str_from(list))));
    }
}

static void add_some_words(buf *out)
{
    add_words(out, "word", 2, 5, ' ');
}
static void add_lorem_words(buf *out)
{
    add_words(out, "lorem", 3, 3, ' ');
}
static void add_lorem_slug(buf *out)
{
    add_words(out, "lorem", 3, 3, '-');
}

static void add_lorem_sentence(buf *out)
{
    size_t at = out->len;
    add_words(out, "lorem", 3, 10, ' ');
    if (buf_ok(out))
        out->ptr[at] = (char)(out->ptr[at] - 'a' + 'A');
    buf_addc(out, '.');
}

static void add_sentences(buf *out, size_t min, size_t max, char separator)
{
    size_t count = min + rand_below(max - min + 1);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_addc(out, separator);
        add_lorem_sentence(out);
    }
}

static void add_lorem_sentences(buf *out)
{
    add_sentences(out, 2, 6, ' ');
}
static void add_lorem_paragraph(buf *out)
{
    add_sentences(out, 3, 6, ' ');
}
static void add_lorem_lines(buf *out)
{
    add_sentences(out, 1, 5, '\n');
}

static void add_lorem_paragraphs(buf *out)
{
    for (int i = 0; i < 3; i++) {
        if (i)
            buf_addz(out, "\n \r");
        add_lorem_paragraph(out);
    }
}

static void add_characters(buf *out, const char *alphabet, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_addc(out, alphabet[rand_below(strlen(alphabet))]);
}

static void add_bitcoin(buf *out)
{
    buf_addc(out, rand_below(2) ? '1' : '3');
    add_characters(out, "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
                   25 + rand_below(9));
}

static void add_password(buf *out)
{
    add_characters(out, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", 15);
}

static void add_alphanumeric(buf *out)
{
    add_characters(out, "abcdefghijklmnopqrstuvwxyz0123456789", 1);
}

// A German one: its check digits make the whole ≡ 1 modulo 97 (ISO 13616).
static void add_iban(buf *out)
{
    char account[19];
    unsigned rest = 0;
    for (size_t i = 0; i < 18; i++) {
        account[i] = (char)('0' + rand_below(10));
        rest = (rest * 10 + (unsigned)(account[i] - '0')) % 97;
    }
    account[18] = 0;
    for (const char *p = "131400"; *p; p++) // D, E, and 00 for the digits to be found
        rest = (rest * 10 + (unsigned)(*p - '0')) % 97;
    buf_addf(out, "DE%02u%s", 98 - rest, account);
}

static void add_lower(buf *out, const char *pattern)
{
    size_t at = out->len;
    add_pattern(out, pattern);
    for (; at < out->len; at++)
        out->ptr[at] = ascii_lower(out->ptr[at]);
}

static void add_domain(buf *out)
{
    add_lower(out, "<last_name>.<domain_suffix>");
}
static void add_url(buf *out)
{
    add_pattern(out, "<protocol>://");
    add_domain(out);
}
static void add_domain_word(buf *out)
{
    add_lower(out, "<last_name>");
}

static void add_coordinate(buf *out, unsigned max)
{
    buf_addf(out, "%s%u.%04u", rand_below(2) ? "-" : "", (unsigned)rand_below(max),
             (unsigned)rand_below(10000));
}
static void add_latitude(buf *out)
{
    add_coordinate(out, 90);
}
static void add_longitude(buf *out)
{
    add_coordinate(out, 180);
}

static void add_user_agent(buf *out)
{
    static const char *const agents[] = {
        "Mozilla/5.0 (X11; Linux x86_64; rv:<90:120>.0) Gecko/20100101 Firefox/<90:120>.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/<90:120>.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/<14:17>.0 Safari/605.1.15",
    };
    add_pattern(out, agents[rand_below(ARRAY_LEN(agents))]);
}

static void add_company(buf *out)
{
    static const char *const forms[] = {"<last_name> <company_suffix>", "<last_name> - <last_name>",
                                        "<last_name>, <last_name> and <last_name>"};
    add_pattern(out, forms[rand_below(ARRAY_LEN(forms))]);
}

static void add_phrase(buf *out)
{
    static const char *const forms[] = {
        "We need to <verb> the <adjective> <abbreviation> <hacker_noun>!",
        "Try to <verb> the <abbreviation> <hacker_noun>, maybe it will <verb> the <adjective> "
        "<hacker_noun>!",
        "You can't <verb> the <hacker_noun> without <ingverb> the <adjective> <abbreviation> "
        "<hacker_noun>!",
        "I'll <verb> the <adjective> <abbreviation> <hacker_noun>, that should <verb> the "
        "<abbreviation> <hacker_noun>!",
    };
    add_pattern(out, forms[rand_below(ARRAY_LEN(forms))]);
}

static void add_image_data(buf *out)
{
    add_pattern(out,
                "data:image/svg+xml;charset=UTF-8,\\%3Csvg xmlns=\"http://www.w3.org/2000/svg\" "
                "width=\"640\" height=\"480\"\\%3E\\%3Crect width=\"100\\%\" height=\"100\\%\" "
                "fill=\"grey\"/\\%3E\\%3C/svg\\%3E");
}

// ---- the table

#define IMAGE(category) "http://placeimg.com/640/480/" category

static const struct {
    const char *name;
    const char *pattern;
    void (*add)(buf *out);
} variables[] = {
    {"$guid", NULL, add_guid},
    {"$timestamp", NULL, add_timestamp},
    {"$isoTimestamp", NULL, add_iso_timestamp},
    {"$randomInt", "<0:1000>", NULL},
    {"$randomPhoneNumber", "<2:9>##-<2:9>##-####", NULL},
    {"$randomPhoneNumberExt", "<1:99>-<2:9>##-<2:9>##-####", NULL},
    {"$randomLocale", "<locale>", NULL},
    {"$randomWords", NULL, add_some_words},
    {"$randomFilePath", "<directory>/<word>_<word>.<ext>", NULL},
    {"$randomDirectoryPath", "<directory>", NULL},
    {"$randomCity", "<city>", NULL},
    {"$randomStreetName", "<last_name> <street>", NULL},
    {"$randomStreetAddress", "<1:9999> <last_name> <street>", NULL},
    {"$randomCountry", "<country>", NULL},
    {"$randomCountryCode", "<country_code>", NULL},
    {"$randomLatitude", NULL, add_latitude},
    {"$randomLongitude", NULL, add_longitude},
    {"$randomColor", "<color>", NULL},
    {"$randomDepartment", "<department>", NULL},
    {"$randomProductName", "<product_adjective> <material> <product>", NULL},
    {"$randomProductAdjective", "<product_adjective>", NULL},
    {"$randomProductMaterial", "<material>", NULL},
    {"$randomProduct", "<product>", NULL},
    {"$randomCompanyName", NULL, add_company},
    {"$randomCompanySuffix", "<company_suffix>", NULL},
    {"$randomCatchPhrase", "<catch_adjective> <catch_descriptor> <catch_noun>", NULL},
    {"$randomBs", "<bs_buzz> <bs_adjective> <bs_noun>", NULL},
    {"$randomCatchPhraseAdjective", "<catch_adjective>", NULL},
    {"$randomCatchPhraseDescriptor", "<catch_descriptor>", NULL},
    {"$randomCatchPhraseNoun", "<catch_noun>", NULL},
    {"$randomBsAdjective", "<bs_adjective>", NULL},
    {"$randomBsBuzz", "<bs_buzz>", NULL},
    {"$randomBsNoun", "<bs_noun>", NULL},
    {"$randomDatabaseColumn", "<column>", NULL},
    {"$randomDatabaseType", "<db_type>", NULL},
    {"$randomDatabaseCollation", "<collation>", NULL},
    {"$randomDatabaseEngine", "<engine>", NULL},
    {"$randomDatePast", NULL, add_date_past},
    {"$randomDateFuture", NULL, add_date_future},
    {"$randomDateRecent", NULL, add_date_recent},
    {"$randomMonth", "<month>", NULL},
    {"$randomWeekday", "<weekday>", NULL},
    {"$randomBankAccount", "########", NULL},
    {"$randomBankAccountName", "<account> Account", NULL},
    {"$randomCreditCardMask", "####", NULL},
    {"$randomPrice", "<0:999>.##", NULL},
    {"$randomTransactionType", "<transaction>", NULL},
    {"$randomCurrencyCode", "<currency_code>", NULL},
    {"$randomCurrencyName", "<currency>", NULL},
    {"$randomCurrencySymbol", "<currency_symbol>", NULL},
    {"$randomBitcoin", NULL, add_bitcoin},
    {"$randomBankAccountIban", NULL, add_iban},
    {"$randomBankAccountBic", "^^^^<country_code>^#", NULL},
    {"$randomAbbreviation", "<abbreviation>", NULL},
    {"$randomAdjective", "<adjective>", NULL},
    {"$randomNoun", "<hacker_noun>", NULL},
    {"$randomVerb", "<verb>", NULL},
    {"$randomIngverb", "<ingverb>", NULL},
    {"$randomPhrase", NULL, add_phrase},
    {"$randomAvatarImage", "https://cdn.fakercloud.com/avatars/<word>_128.jpg", NULL},
    {"$randomImageUrl", "http://placeimg.com/640/480", NULL},
    {"$randomAbstractImage", IMAGE("abstract"), NULL},
    {"$randomAnimalsImage", IMAGE("animals"), NULL},
    {"$randomBusinessImage", IMAGE("business"), NULL},
    {"$randomCatsImage", IMAGE("cats"), NULL},
    {"$randomCityImage", IMAGE("city"), NULL},
    {"$randomFoodImage", IMAGE("food"), NULL},
    {"$randomNightlifeImage", IMAGE("nightlife"), NULL},
    {"$randomFashionImage", IMAGE("fashion"), NULL},
    {"$randomPeopleImage", IMAGE("people"), NULL},
    {"$randomNatureImage", IMAGE("nature"), NULL},
    {"$randomSportsImage", IMAGE("sports"), NULL},
    {"$randomTransportImage", IMAGE("transport"), NULL},
    {"$randomImageDataUri", NULL, add_image_data},
    {"$randomEmail", "<first_name>.<last_name>##@<word>.<domain_suffix>", NULL},
    {"$randomExampleEmail", "<first_name>.<last_name>##@example.<domain_suffix>", NULL},
    {"$randomUserName", "<first_name>.<last_name>##", NULL},
    {"$randomProtocol", "<protocol>", NULL},
    {"$randomUrl", NULL, add_url},
    {"$randomDomainName", NULL, add_domain},
    {"$randomDomainSuffix", "<domain_suffix>", NULL},
    {"$randomDomainWord", NULL, add_domain_word},
    {"$randomIP", "<0:255>.<0:255>.<0:255>.<0:255>", NULL},
    {"$randomIPV6", "%%%%:%%%%:%%%%:%%%%:%%%%:%%%%:%%%%:%%%%", NULL},
    {"$randomUserAgent", NULL, add_user_agent},
    {"$randomHexColor", "\\#%%%%%%", NULL},
    {"$randomMACAddress", "%%:%%:%%:%%:%%:%%", NULL},
    {"$randomPassword", NULL, add_password},
    {"$randomLoremWord", "<lorem>", NULL},
    {"$randomLoremWords", NULL, add_lorem_words},
    {"$randomLoremSentence", NULL, add_lorem_sentence},
    {"$randomLoremSlug", NULL, add_lorem_slug},
    {"$randomLoremSentences", NULL, add_lorem_sentences},
    {"$randomLoremParagraph", NULL, add_lorem_paragraph},
    {"$randomLoremParagraphs", NULL, add_lorem_paragraphs},
    {"$randomLoremText", NULL, add_lorem_paragraph},
    {"$randomLoremLines", NULL, add_lorem_lines},
    {"$randomFirstName", "<first_name>", NULL},
    {"$randomLastName", "<last_name>", NULL},
    {"$randomFullName", "<first_name> <last_name>", NULL},
    {"$randomJobTitle", "<job_descriptor> <job_area> <job_type>", NULL},
    {"$randomNamePrefix", "<name_prefix>", NULL},
    {"$randomNameSuffix", "<name_suffix>", NULL},
    {"$randomJobDescriptor", "<job_descriptor>", NULL},
    {"$randomJobArea", "<job_area>", NULL},
    {"$randomJobType", "<job_type>", NULL},
    {"$randomUUID", NULL, add_guid},
    {"$randomBoolean", "<boolean>", NULL},
    {"$randomWord", "<word>", NULL},
    {"$randomAlphaNumeric", NULL, add_alphanumeric},
    {"$randomFileName", "<word>_<word>.<ext>", NULL},
    {"$randomCommonFileName", "<word>_<word>.<common_ext>", NULL},
    {"$randomMimeType", "<mime>", NULL},
    {"$randomCommonFileType", "<common_type>", NULL},
    {"$randomCommonFileExt", "<common_ext>", NULL},
    {"$randomFileType", "<file_type>", NULL},
    {"$randomFileExt", "<ext>", NULL},
    {"$randomSemver", "<0:9>.<0:9>.<0:9>", NULL},
};

bool pm_dynamic(str name, buf *out)
{
    if (!name.len || name.ptr[0] != '$')
        return false;
    for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
        if (!str_eq(name, str_from(variables[i].name)))
            continue;
        if (variables[i].add)
            variables[i].add(out);
        else
            add_pattern(out, variables[i].pattern);
        return true;
    }
    return false;
}

const char *pm_dynamic_name(size_t i)
{
    return i < ARRAY_LEN(variables) ? variables[i].name : NULL;
}
