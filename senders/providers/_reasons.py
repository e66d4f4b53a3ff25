"""Why an attempt or a message ended as it did: our words, the same for every provider."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """What a provider's word means to us. The ledger, `explain` and the KPIs show these."""

    # taken
    ACCEPTED = "accepted"
    ALREADY_ACCEPTED = "already_accepted"  # a repeated id: the first call had been taken
    # known not sent
    RATE_LIMITED = "rate_limited"
    PAIR_LIMITED = "pair_limited"  # too fast to this one person
    QUEUE_FULL = "queue_full"
    TRY_LATER = "try_later"  # it cannot now, and says that it took nothing
    NO_RECORD = "no_record"  # asked, and the provider knows of no such message
    # this message will not be taken
    UNREACHABLE_ON_CHANNEL = "unreachable_on_channel"
    KNOWN_UNREACHABLE = "known_unreachable"  # it said so a short while ago, and was not asked again
    INVALID_CONTENT = "invalid_content"
    TOO_LARGE = "too_large"
    COUNTRY_NOT_ENABLED = "country_not_enabled"
    UNROUTABLE = "unroutable"
    OUTSIDE_WINDOW = "outside_window"  # the person did not write to us recently enough
    RECIPIENT_LIMIT = "recipient_limit"  # the channel thinks this person has had enough marketing
    RECIPIENT_NOT_PERMITTED = "recipient_not_permitted"  # a trial account, a missing invitation
    # this address must not be tried again
    INVALID_ADDRESS = "invalid_address"
    NOT_A_MOBILE_NUMBER = "not_a_mobile_number"
    NO_LONGER_REGISTERED = "no_longer_registered"  # the app was taken off the telephone
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED_BY_PROVIDER = "suppressed_by_provider"  # it bounced or complained there before
    # account or configuration
    CREDENTIALS_REFUSED = "credentials_refused"
    ACCOUNT_SUSPENDED = "account_suspended"
    ACCOUNT_LIMIT = "account_limit"
    WRONG_SENDER = "wrong_sender"
    MISSING_TEMPLATE = "missing_template"  # or paused: the provider has none of that name to send
    WRONG_ENDPOINT = "wrong_endpoint"
    # nobody can tell
    SERVER_ERROR = "server_error"
    UNCLEAR_ANSWER = "unclear_answer"
    # asked to take it back
    TAKEN_BACK = "taken_back"
    TOO_LATE = "too_late"  # it was delivered, or is not there any more
    # said by receipts
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    EXPIRED_UNDELIVERED = "expired_undelivered"  # taken back before it reached the person
    MAY_STILL_ARRIVE = "may_still_arrive"  # expired, and could not be taken back
    CANCELLED = "cancelled"
    HANDSET_UNREACHABLE = "handset_unreachable"
    UNKNOWN_NUMBER = "unknown_number"
    BLOCKED_BY_CARRIER = "blocked_by_carrier"
    BLOCKED_BY_MAILBOX = "blocked_by_mailbox"
    FAILED_UNEXPLAINED = "failed_unexplained"
    BOUNCED = "bounced"
    DELAYED = "delayed"
    # said by people
    OPENED = "opened"
    CLICKED = "clicked"
    REPLIED = "replied"
    HELP_WORD = "help_word"  # somebody asked what these messages are
    RESUBSCRIBED = "resubscribed"  # a wish on record, never a consent by itself
    OPT_OUT_WORD = "opt_out_word"
    OPT_OUT_BUTTON = "opt_out_button"
    SPAM_REPORT = "spam_report"
