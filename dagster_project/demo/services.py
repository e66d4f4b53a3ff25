"""What a shop's other systems tell of its customers: parcels, fittings, invoices, questions.

Each story is two events, as a visit is on average, so that the demo keeps its pace.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Properties = dict[str, Any]


@dataclass(frozen=True)
class Happening:
    """One event of a story, so many seconds after the one before."""

    after_seconds: float
    event: str
    properties: Properties


Story = Callable[[random.Random, str, datetime, str], tuple[Happening, Happening]]


def parcel(order_id: str, shop_url: str, dice: random.Random) -> tuple[Happening, Happening]:
    """Days in a minute."""
    sent = {
        "order_id": order_id, "order_url": f"{shop_url}/orders/{order_id}", "shipment_id": f"s-{order_id}",
        "carrier": "DHL", "tracking_number": f"JD{order_id}",
        "tracking_url": f"https://www.dhl.com/track?id=JD{order_id}",
    }  # fmt: skip
    arrived = {name: sent[name] for name in ("order_id", "shipment_id", "order_url")}
    return Happening(0, "Order Shipped", sent), Happening(dice.uniform(60, 100), "Order Delivered", arrived)


def fitting(dice: random.Random, number: str, now: datetime, shop_url: str) -> tuple[Happening, Happening]:
    asked = {"form_id": "fitting", "form_name": "Book a fitting", "submission_id": f"f-{number}"}
    booked = booking(number, now + timedelta(days=dice.randint(2, 9)), shop_url)
    return Happening(0, "Form Submitted", asked), Happening(dice.uniform(1, 4), "Booking Created", booked)


def booking(number: str, starts_at: datetime, shop_url: str) -> Properties:
    return {
        "booking_id": f"b-{number}", "starts_at": starts_at.isoformat(), "service": "Fitting",
        "place": "12 Dove Lane", "booking_url": f"{shop_url}/bookings/b-{number}",
    }  # fmt: skip


def invoice(dice: random.Random, number: str, now: datetime, shop_url: str) -> tuple[Happening, Happening]:
    owed = {
        "invoice_id": f"i-{number}", "amount": dice.choice((9.0, 19.0, 29.0)), "currency": "EUR",
        "payment_url": f"{shop_url}/pay/i-{number}",
    }  # fmt: skip
    return Happening(0, "Payment Failed", owed), Happening(dice.uniform(60, 120), "Payment Succeeded", owed)


def question(dice: random.Random, number: str, now: datetime, shop_url: str) -> tuple[Happening, Happening]:
    asked = {"ticket_id": f"t-{number}", "subject": dice.choice(("Which size?", "Where is my parcel?"))}
    answered = {**asked, "resolution": "solved", "survey_url": f"{shop_url}/survey/t-{number}"}
    return Happening(0, "Ticket Opened", asked), Happening(dice.uniform(20, 40), "Ticket Closed", answered)


STORIES: tuple[Story, ...] = (fitting, invoice, question)


def bookings_of_tomorrow(
    dice: random.Random, now: datetime, shop_url: str, amount: int
) -> Iterator[Properties]:
    """Fittings about 24 hours ahead: reminders come due while one watches."""
    for number in range(amount):
        starts_at = now + timedelta(hours=24, seconds=dice.uniform(-60, 300))
        yield booking(f"{now:%H%M%S}-{number}", starts_at, shop_url)


def notice(now: datetime, user_ids: list[str]) -> Properties:
    return {
        "notice_id": f"n-{now:%H%M%S}", "title": "Parcels are a day late",
        "message": "A storm holds up our carrier. Your parcel comes a day later than we said.",
        "user_ids": user_ids,
    }  # fmt: skip
