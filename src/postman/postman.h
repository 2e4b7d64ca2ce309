// SPDX-License-Identifier: Apache-2.0
// postman: what a Postman collection says (contracts: Postman §2–8), without doing any of it. It
// reads collections, environments and data files, keeps variables, resolves templates, and turns a
// request as it is written into the method, URL, headers and body that go on the wire.
//
// The room does no network and knows no credential but those that the collection itself spells out.
// The only files that it opens for a collection are those of bodies, through a pm_folder, which
// confines them (injection.md §5).
#pragma once

#include "postman/postman_collection.h"
#include "postman/postman_request.h"
#include "postman/postman_url.h"
#include "postman/postman_vars.h"
