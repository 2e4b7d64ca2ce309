// SPDX-License-Identifier: Apache-2.0
// For the tests of TLS: a key for nothing, and its own certificate for a.example.
#pragma once

#define TEST_CERT                                                                                  \
    "-----BEGIN CERTIFICATE-----\n"                                                                \
    "MIIBlTCCATugAwIBAgIUODw4KbU+xDO8ec6QqNmZ0fOe8EUwCgYIKoZIzj0EAwIw\n"                           \
    "FDESMBAGA1UEAwwJYS5leGFtcGxlMCAXDTI2MTEyNTEzMzEyOVoYDzIxMjYxMTAx\n"                           \
    "MTMzMTI5WjAUMRIwEAYDVQQDDAlhLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjO\n"                           \
    "PQMBBwNCAASsvX3/KTMPmmoh+vzciX35pttDRB4OTJiUwLAUYkCS7kJuUvB9406E\n"                           \
    "OKAV0K2zspD/jlfYEjk1Bnk6g89unJl5o2kwZzAdBgNVHQ4EFgQUAD6m+gd8NGMS\n"                           \
    "rDLv/qdgaQDvPbowHwYDVR0jBBgwFoAUAD6m+gd8NGMSrDLv/qdgaQDvPbowDwYD\n"                           \
    "VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglhLmV4YW1wbGUwCgYIKoZIzj0EAwID\n"                           \
    "SAAwRQIgO3lD3BAn7KsQj1PmEVvj8IjtWjUhDgVuuXpDOtm/p8oCIQC4i5siZn8q\n"                           \
    "gXtJqw/zEqTg9HopTPM/A4und+ngyenUqg==\n"                                                       \
    "-----END CERTIFICATE-----\n"
#define TEST_KEY                                                                                   \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgaSlCpnKAuYBmltV/\n"                           \
    "1zBdrtujUiAFcfY/UUv3Bc2MOzShRANCAASsvX3/KTMPmmoh+vzciX35pttDRB4O\n"                           \
    "TJiUwLAUYkCS7kJuUvB9406EOKAV0K2zspD/jlfYEjk1Bnk6g89unJl5\n"                                   \
    "-----END PRIVATE KEY-----\n"
