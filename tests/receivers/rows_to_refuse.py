"""Rows of every feed that are good, and rows that are not with what is said of them."""

from landed import EARLIER, event

from receivers.reading import LINE_LIMIT

PROFILE = {"user_id": "u9", "email": "ada@example.com", "updated_at": EARLIER}
CONSENT = {
    "user_id": "u9",
    "channel": "sms",
    "purpose": "marketing",
    "status": "given",
    "occurred_at": EARLIER,
    "consent_source": "form",
}
PRODUCT = {"product_id": "p9", "name": "Hat", "price": 12.5, "stock": 3, "updated_at": EARLIER}
CODE = {"code": "VIP-9", "pool": "vip", "updated_at": EARLIER}
ORDER = {"id": 9, "updated_at": EARLIER}
TRACK = {"type": "track", "event": "Product Viewed", "messageId": "m9", "userId": "u", "timestamp": EARLIER}
SNOWPLOW = {"event_id": "s9", "event_name": "page_view", "domain_userid": "d", "derived_tstamp": EARLIER}

GOOD = {
    "events": event("good"),
    "profiles": {**PROFILE, "user_id": "good"},
    "consents": {**CONSENT, "user_id": "good"},
    "products": {**PRODUCT, "product_id": "good"},
    "discount_codes": {**CODE, "code": "good"},
    "shopify/orders": {**ORDER, "id": "good"},
    "segment": {**TRACK, "messageId": "good"},
    "snowplow": {**SNOWPLOW, "event_id": "good"},
}
TAKEN = {
    "events": "select event_id from raw.events",
    "profiles": "select user_id from raw.profiles",
    "consents": "select user_id from raw.consents",
    "products": "select product_id from raw.products",
    "discount_codes": "select lower(code) from raw.discount_codes",
    "shopify/orders": "select row_id from raw.shopify_orders",
    "segment": "select event_id from raw.events",
    "snowplow": "select row_id from raw.snowplow_events",
}

FUTURE = "2999-01-01T00:00:00Z"
LONG = "x" * 257
LARGE = {"text": "x" * 65_600}

# feed, the row (bytes: as it is), what the reason says
BAD = [
    ("events", event(None), "event_id is missing or empty"),
    ("events", event("  "), "event_id is missing or empty"),
    ("events", event(LONG), "event_id is longer than 256 characters"),
    ("events", event("e\x00e"), "event_id holds control characters"),
    ("events", event("e9", event_name=None), "event_name is missing or empty"),
    ("events", event("e9", event_name="a\r\nb"), "event_name holds control characters"),
    ("events", event("e9", user_id=None), "neither user_id nor anonymous_id is there"),
    ("events", event("e9", user_id="", anonymous_id=" "), "neither user_id nor anonymous_id is there"),
    ("events", event("e9", user_id=True), "user_id is neither text nor a whole number"),
    ("events", event("e9", user_id=LONG), "user_id is longer than 256 characters"),
    ("events", event("e9", anonymous_id={"id": 1}), "anonymous_id is neither text nor a whole number"),
    ("events", event("e9", occurred_at=None), "occurred_at is missing or not a time (ISO 8601)"),
    ("events", event("e9", occurred_at="yesterday"), "occurred_at is missing or not a time (ISO 8601)"),
    (
        "events",
        event("e9", occurred_at="2026-02-30T00:00:00Z"),
        "occurred_at is missing or not a time (ISO 8601)",
    ),
    ("events", event("e9", occurred_at="infinity"), "occurred_at is missing or not a time (ISO 8601)"),
    ("events", event("e9", occurred_at=1768474800), "occurred_at is not text"),
    ("events", event("e9", occurred_at=FUTURE), "occurred_at is more than an hour in the future"),
    ("events", event("e9", occurred_at="1999-12-31T23:59:59Z"), "occurred_at is before the year 2000"),
    ("events", event("e9", occurred_at="0001-01-01"), "occurred_at is before the year 2000"),
    ("events", event("e9", properties="{not json"), "properties is not an object"),
    ("events", event("e9", properties=LARGE), "properties and context are larger than 64 KiB together"),
    ("events", event("e9", context=LARGE), "properties and context are larger than 64 KiB together"),
    ("events", event("e9", new=LARGE), "properties and context are larger than 64 KiB together"),
    ("events", b'{"event_id": "e9", "event_name', "not JSON"),
    ("events", b'{"event_id": "e9"} {"event_id": "e8"}', "not JSON"),
    ("events", b'{"event_id": "e9", "properties": {"price": NaN}}', "not JSON"),
    ("events", b'{"event_id": "e9",}', "not JSON"),
    ("events", b'{"a":' * 5000 + b"1" + b"}" * 5000, "not JSON"),
    ("events", b'"e9"', "not an object"),
    ("events", b"[1, 2]", "not an object"),
    ("events", b"null", "not an object"),
    ("events", b'{"event_id": "e9\xff\xfe"}', "not UTF-8"),
    ("events", b'{"event_id": "' + b"x" * LINE_LIMIT + b'"}', "longer than 8,388,608 bytes"),
    ("profiles", {**PROFILE, "user_id": None}, "neither user_id nor anonymous_id is there"),
    ("profiles", {**PROFILE, "email": "ada"}, "email is not an e-mail address"),
    ("profiles", {**PROFILE, "email": "ada@example"}, "email is not an e-mail address"),
    ("profiles", {**PROFILE, "email": "a@b.io, c@d.io"}, "email is not an e-mail address"),
    ("profiles", {**PROFILE, "email": "Ada <ada@example.com>"}, "email is not an e-mail address"),
    ("profiles", {**PROFILE, "email": "a@b.io\nBcc: c@d.io"}, "email holds control characters"),
    ("profiles", {**PROFILE, "email": 7}, "email is not text"),
    ("profiles", {**PROFILE, "first_name": "Ada\nSend money"}, "first_name holds control characters"),
    ("profiles", {**PROFILE, "last_name": LONG}, "last_name is longer than 256 characters"),
    ("profiles", {**PROFILE, "updated_at": "soon"}, "updated_at is not a time (ISO 8601)"),
    ("profiles", {**PROFILE, "updated_at": FUTURE}, "updated_at is more than an hour in the future"),
    ("profiles", {**PROFILE, "about": LARGE}, "the other columns are larger than 64 KiB together"),
    ("consents", {**CONSENT, "status": "maybe"}, "status is neither given nor withdrawn"),
    ("consents", {**CONSENT, "status": None}, "status is missing or empty"),
    (
        "consents",
        {**CONSENT, "channel": "fax"},
        "channel is none of rcs, sms, email, whatsapp, push, webhook",
    ),
    ("consents", {**CONSENT, "purpose": "fun"}, "purpose is neither marketing nor transactional"),
    ("consents", {**CONSENT, "user_id": ""}, "user_id is missing or empty"),
    ("consents", {**CONSENT, "consent_source": ""}, "consent without a proof: consent_source is missing"),
    ("consents", {**CONSENT, "occurred_at": FUTURE}, "occurred_at is more than an hour in the future"),
    ("products", {**PRODUCT, "product_id": None}, "product_id is missing or empty"),
    ("products", {**PRODUCT, "price": "cheap"}, "price is not a number"),
    ("products", {**PRODUCT, "price": True}, "price is not a number"),
    ("products", {**PRODUCT, "price": -1}, "price is not between 0 and 1,000,000,000"),
    ("products", {**PRODUCT, "price": 1e12}, "price is not between 0 and 1,000,000,000"),
    ("products", {**PRODUCT, "stock": 1.5}, "stock is not a whole number"),
    ("products", {**PRODUCT, "stock": -2}, "stock is below 0"),
    ("products", {**PRODUCT, "currency": "Euro"}, "currency is not a currency of ISO 4217 (three letters)"),
    (
        "products",
        {**PRODUCT, "product_url": "javascript:alert(1)"},
        "product_url is not an address of the web",
    ),
    ("products", {**PRODUCT, "image_url": 'https://x/"onload="x'}, "image_url is not an address of the web"),
    ("discount_codes", {**CODE, "code": None}, "code is missing or empty"),
    ("discount_codes", {**CODE, "code": "BUY.NOW"}, "code is not 3 to 64 letters, digits, - or _"),
    ("discount_codes", {**CODE, "code": "A1"}, "code is not 3 to 64 letters, digits, - or _"),
    ("discount_codes", {**CODE, "pool": " "}, "pool is missing or empty"),
    ("discount_codes", {**CODE, "label": "x" * 65}, "label is longer than 64 characters"),
    ("discount_codes", {**CODE, "expires_at": "soon"}, "expires_at is not a time (ISO 8601)"),
    ("discount_codes", {**CODE, "updated_at": FUTURE}, "updated_at is more than an hour in the future"),
    ("shopify/orders", {**ORDER, "id": None}, "id is missing or empty"),
    ("shopify/orders", {"id": 9}, "updated_at, created_at and _fivetran_synced are missing or no times"),
    ("shopify/orders", {**ORDER, "updated_at": FUTURE}, "updated_at is more than an hour in the future"),
    ("shopify/orders", {**ORDER, "note": "x" * 2**20}, "the row is larger than 1 MiB"),
    ("segment", {**TRACK, "messageId": None}, "messageId is missing or empty"),
    ("segment", {**TRACK, "type": "shout"}, "type is none of track, identify, alias, page, screen, group"),
    (
        "segment",
        {**TRACK, "event": None},
        "the call has no type, or it is a track call without the name of an event",
    ),
    (
        "segment",
        {**TRACK, "event": "!!!"},
        "the call has no type, or it is a track call without the name of an event",
    ),
    ("segment", {**TRACK, "userId": None}, "neither userId nor anonymousId is there"),
    ("segment", {**TRACK, "type": "alias"}, "an alias call without previousId"),
    ("segment", {**TRACK, "properties": "no"}, "properties is not an object"),
    ("segment", {**TRACK, "timestamp": FUTURE}, "timestamp is more than an hour in the future"),
    ("snowplow", {**SNOWPLOW, "event_id": None}, "event_id is missing or empty"),
    (
        "snowplow",
        {**SNOWPLOW, "domain_userid": None},
        "none of user_id, domain_userid and network_userid is there",
    ),
    (
        "snowplow",
        {**SNOWPLOW, "derived_tstamp": "x"},
        "derived_tstamp, collector_tstamp and dvce_created_tstamp are missing or no times",
    ),
]
