// SPDX-License-Identifier: Apache-2.0
// Dynamic variables: each of the 118 gives a value of the form that people and schemas expect.
#include <regex.h>

#include "base/test.h"
#include "postman/postman.h"

#define WORD "[A-Za-z][A-Za-z'-]*"
#define WORDS WORD "( " WORD ")*"
#define TEXT "[A-Za-z0-9][A-Za-z0-9 /&+.,'()-]*"
#define HEX4 "[0-9a-f]{4}"
#define GUID "[0-9a-f]{8}-" HEX4 "-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
#define BYTE "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
#define SENTENCE "[A-Z][a-z]+( [a-z]+)+\\."
#define PARAGRAPH SENTENCE "( " SENTENCE ")*"
#define DATE                                                                                       \
    "(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [0-3][0-9] 20[0-9]{2} "                           \
    "[0-2][0-9]:[0-5][0-9]:[0-5][0-9] GMT\\+0000 \\(Coordinated Universal Time\\)"
#define DOMAIN "[a-z'-]+\\.[a-z]{2,6}"
#define USER "[A-Za-z']+\\.[A-Za-z']+[0-9]{2}"
#define IMAGE(topic) "http://placeimg\\.com/640/480/" topic
#define EXT "[a-z0-9]{1,12}"

static const struct {
    const char *name, *form;
} forms[] = {
    {"$guid", GUID},
    {"$timestamp", "[1-9][0-9]{9}"},
    {"$isoTimestamp", "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\\."
                      "[0-9]{3}Z"},
    {"$randomInt", "[0-9]{1,3}|1000"},
    {"$randomPhoneNumber", "[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}"},
    {"$randomPhoneNumberExt", "[0-9]{1,2}-[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}"},
    {"$randomLocale", "[a-z]{2,3}(_[A-Z]{2})?"},
    {"$randomWords", TEXT},
    {"$randomFilePath", "(/[A-Za-z0-9_]+)+/[a-z_]+\\." EXT},
    {"$randomDirectoryPath", "(/[A-Za-z0-9_]+)+"},
    {"$randomCity", TEXT},
    {"$randomStreetName", TEXT},
    {"$randomStreetAddress", "[1-9][0-9]{0,3} " TEXT},
    {"$randomCountry", TEXT},
    {"$randomCountryCode", "[A-Z]{2}"},
    {"$randomLatitude", "-?[0-8]?[0-9]\\.[0-9]{4}"},
    {"$randomLongitude", "-?1?[0-9]?[0-9]\\.[0-9]{4}"},
    {"$randomColor", "[a-z]+( [a-z]+)*"},
    {"$randomDepartment", WORDS},
    {"$randomProductName", WORD " " WORD " " WORD},
    {"$randomProductAdjective", WORD},
    {"$randomProductMaterial", WORD},
    {"$randomProduct", WORD},
    {"$randomCompanyName", TEXT},
    {"$randomCompanySuffix", "Inc|LLC|Group|and Sons"},
    {"$randomCatchPhrase", TEXT " " TEXT " " TEXT},
    {"$randomBs", TEXT " " TEXT " " TEXT},
    {"$randomCatchPhraseAdjective", TEXT},
    {"$randomCatchPhraseDescriptor", TEXT},
    {"$randomCatchPhraseNoun", TEXT},
    {"$randomBsAdjective", TEXT},
    {"$randomBsBuzz", WORDS},
    {"$randomBsNoun", TEXT},
    {"$randomDatabaseColumn", "[A-Za-z]+"},
    {"$randomDatabaseType", "[a-z]+"},
    {"$randomDatabaseCollation", "[a-z0-9]+_[a-z0-9_]+"},
    {"$randomDatabaseEngine", "[A-Za-z]+"},
    {"$randomDatePast", DATE},
    {"$randomDateFuture", DATE},
    {"$randomDateRecent", DATE},
    {"$randomMonth", "January|February|March|April|May|June|July|August|September|October|"
                     "November|December"},
    {"$randomWeekday", "(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"},
    {"$randomBankAccount", "[0-9]{8}"},
    {"$randomBankAccountName", WORDS " Account"},
    {"$randomCreditCardMask", "[0-9]{4}"},
    {"$randomPrice", "[0-9]{1,3}\\.[0-9]{2}"},
    {"$randomTransactionType", "[a-z]+"},
    {"$randomCurrencyCode", "[A-Z]{3}"},
    {"$randomCurrencyName", TEXT},
    {"$randomCurrencySymbol", "[^ ]+"},
    {"$randomBitcoin", "[13][1-9A-HJ-NP-Za-km-z]{25,33}"},
    {"$randomBankAccountIban", "DE[0-9]{20}"},
    {"$randomBankAccountBic", "[A-Z]{6}[A-Z][0-9]"},
    {"$randomAbbreviation", "[A-Z]+"},
    {"$randomAdjective", TEXT},
    {"$randomNoun", TEXT},
    {"$randomVerb", WORDS},
    {"$randomIngverb", "[a-z ]*ing( [a-z]+)?"},
    {"$randomPhrase", "[A-Z].*[!.]"},
    {"$randomAvatarImage", "https://cdn\\.fakercloud\\.com/avatars/[a-z]+_128\\.jpg"},
    {"$randomImageUrl", "http://placeimg\\.com/640/480"},
    {"$randomAbstractImage", IMAGE("abstract")},
    {"$randomAnimalsImage", IMAGE("animals")},
    {"$randomBusinessImage", IMAGE("business")},
    {"$randomCatsImage", IMAGE("cats")},
    {"$randomCityImage", IMAGE("city")},
    {"$randomFoodImage", IMAGE("food")},
    {"$randomNightlifeImage", IMAGE("nightlife")},
    {"$randomFashionImage", IMAGE("fashion")},
    {"$randomPeopleImage", IMAGE("people")},
    {"$randomNatureImage", IMAGE("nature")},
    {"$randomSportsImage", IMAGE("sports")},
    {"$randomTransportImage", IMAGE("transport")},
    {"$randomImageDataUri", "data:image/svg\\+xml;charset=UTF-8,.+"},
    {"$randomEmail", USER "@[a-z]+\\.[a-z]{2,6}"},
    {"$randomExampleEmail", USER "@example\\.[a-z]{2,6}"},
    {"$randomUserName", USER},
    {"$randomProtocol", "https?"},
    {"$randomUrl", "https?://" DOMAIN},
    {"$randomDomainName", DOMAIN},
    {"$randomDomainSuffix", "[a-z]{2,6}"},
    {"$randomDomainWord", "[a-z'-]+"},
    {"$randomIP", BYTE "\\." BYTE "\\." BYTE "\\." BYTE},
    {"$randomIPV6", "(" HEX4 ":){7}" HEX4},
    {"$randomUserAgent", "Mozilla/5\\.0 \\(.+"},
    {"$randomHexColor", "#[0-9a-f]{6}"},
    {"$randomMACAddress", "([0-9a-f]{2}:){5}[0-9a-f]{2}"},
    {"$randomPassword", "[A-Za-z0-9_]{15}"},
    {"$randomLoremWord", "[a-z]+"},
    {"$randomLoremWords", "[a-z]+ [a-z]+ [a-z]+"},
    {"$randomLoremSentence", SENTENCE},
    {"$randomLoremSlug", "[a-z]+-[a-z]+-[a-z]+"},
    {"$randomLoremSentences", PARAGRAPH},
    {"$randomLoremParagraph", PARAGRAPH},
    {"$randomLoremParagraphs", PARAGRAPH "(\n \r" PARAGRAPH "){2}"},
    {"$randomLoremText", PARAGRAPH},
    {"$randomLoremLines", SENTENCE "(\n" SENTENCE ")*"},
    {"$randomFirstName", WORD},
    {"$randomLastName", WORD},
    {"$randomFullName", WORD " " WORD},
    {"$randomJobTitle", WORD " " WORD " " WORD},
    {"$randomNamePrefix", "(Mr|Mrs|Ms|Miss|Dr)\\.?"},
    {"$randomNameSuffix", "[A-Z][A-Za-z]*\\.?"},
    {"$randomJobDescriptor", WORD},
    {"$randomJobArea", WORD},
    {"$randomJobType", WORD},
    {"$randomUUID", GUID},
    {"$randomBoolean", "true|false"},
    {"$randomWord", TEXT},
    {"$randomAlphaNumeric", "[a-z0-9]"},
    {"$randomFileName", "[a-z_]+\\." EXT},
    {"$randomCommonFileName", "[a-z_]+\\." EXT},
    {"$randomMimeType", "[a-z]+/[a-z0-9.+-]+"},
    {"$randomCommonFileType", "[a-z-]+"},
    {"$randomCommonFileExt", EXT},
    {"$randomFileType", "[a-z-]+"},
    {"$randomFileExt", EXT},
    {"$randomSemver", "[0-9]\\.[0-9]\\.[0-9]"},
};

static str value_of(const char *name, buf *out)
{
    buf_reset(out);
    assert_true(pm_dynamic(str_from(name), out));
    return buf_str(out);
}

static void each_gives_a_value_of_its_form(void **state)
{
    buf out;
    (void)state;
    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        regex_t re;
        char pattern[1000];
        snprintf(pattern, sizeof(pattern), "^(%s)$", forms[i].form);
        assert_row(i, regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) == 0);
        for (int k = 0; k < 100; k++) {
            value_of(forms[i].name, &out);
            if (regexec(&re, buf_cstr(&out), 0, NULL, 0))
                fail_msg("%s: \"%s\" is not of the form %s", forms[i].name, buf_cstr(&out),
                         forms[i].form);
        }
        regfree(&re);
    }
    buf_deinit(&out);
}

static void there_are_118_and_no_others(void **state)
{
    buf out;
    size_t count = 0;
    (void)state;
    buf_init(&out, 1000);
    for (const char *name; (name = pm_dynamic_name(count)); count++)
        assert_string_equal(name, forms[count].name);
    assert_int_equal(count, 118);
    assert_int_equal(ARRAY_LEN(forms), 118);
    static const char *const others[] = {"", "$", "guid", "$GUID", "$guid ", "$randomNothing"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_row(i, !pm_dynamic(str_from(others[i]), &out));
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
}

static void each_use_is_a_new_value(void **state)
{
    pm_scopes none = {{NULL}};
    buf out;
    str first, second;
    (void)state;
    buf_init(&out, 1000);
    assert_int_equal(pm_resolve(&none, STR("{{$guid}} {{$guid}}"), &out), PM_FILLED | PM_DYNAMIC);
    assert_true(str_cut(buf_str(&out), ' ', &first, &second));
    assert_int_equal(first.len, 36);
    assert_int_equal(second.len, 36);
    assert_false(str_eq(first, second));
    buf_deinit(&out);
}

static void an_iban_has_right_check_digits(void **state)
{
    buf out;
    (void)state;
    buf_init(&out, 1000);
    for (int k = 0; k < 100; k++) {
        char moved[40];
        unsigned rest = 0;
        str iban = value_of("$randomBankAccountIban", &out);
        snprintf(moved, sizeof(moved), "%.18s1314%.2s", iban.ptr + 4, iban.ptr + 2);
        for (const char *p = moved; *p; p++)
            rest = (rest * 10 + (unsigned)(*p - '0')) % 97;
        assert_int_equal(rest, 1);
    }
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gives_a_value_of_its_form),
        cmocka_unit_test(there_are_118_and_no_others),
        cmocka_unit_test(each_use_is_a_new_value),
        cmocka_unit_test(an_iban_has_right_check_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
