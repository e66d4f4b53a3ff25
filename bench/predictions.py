"""How good the predictions and recommendations are: the shipped models over a year of a real shop.

Orders before SPLIT land as events and go through ingest and dbt like any others; what came after is the
truth they are held against, beside what one would do without a model. What there was to choose (how
strongly to smooth, cosine or another measure) was chosen on a split at 1 July 2011, never on this one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from bench import history, results
from senders.settings import REPOSITORY, Settings, load

DATA = REPOSITORY.parent / "shared" / "data" / "online_retail_uci.parquet"
SPLIT = datetime(2011, 10, 1, tzinfo=UTC)
MODELS = ("pred_reorder", "pred_best_hour", "int_person_recommendations", "int_recommendations")
QUERIES = Path(__file__).with_name("sql")


def run(folder: Path, scale: float) -> str:
    if not DATA.exists():
        raise FileNotFoundError(f"{DATA} is not there: the UCI Online Retail data set, as one parquet file")
    orders = real_orders(scale)
    before, after = orders.filter(pl.col("at") < SPLIT), orders.filter(pl.col("at") >= SPLIT)
    settings = load({"DOVECOTE_HOME": str(folder)})
    land(before, settings.landing)
    after.write_parquet(folder / "truth.parquet")
    with built(settings) as connection:
        truth = "create temporary table truth as select * from read_parquet(?)"
        connection.execute(truth, [str(folder / "truth.parquet")])
        connection.execute((QUERIES / "next_orders.sql").read_text())
        tables = {name: measured(connection, name) for name in ("reorder", "hour", "for_people", "beside")}
    return section(before, after, tables)


def real_orders(scale: float) -> pl.DataFrame:
    """One row an order line of a known customer: cancelled and free lines left out; times read as UTC."""
    lines = pl.read_parquet(DATA).filter(
        pl.col("CustomerID").is_not_null(),
        pl.col("Quantity") > 0,
        pl.col("UnitPrice") > 0,
        ~pl.col("InvoiceNo").str.starts_with("C"),
        pl.col("CustomerID").cast(pl.Int64) % 100 < 100 * scale,
    )
    return lines.select(
        order_id=pl.col("InvoiceNo"),
        user_id=pl.col("CustomerID").cast(pl.Int64).cast(pl.String),
        product_id=pl.col("StockCode"),
        quantity=pl.col("Quantity"),
        price=pl.col("UnitPrice"),
        at=pl.col("InvoiceDate").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
    )


def land(lines: pl.DataFrame, landing: Path) -> None:
    products = pl.struct("product_id", "quantity", "price")
    events = lines.group_by("order_id", maintain_order=True).agg(
        user_id=pl.col("user_id").first(),
        occurred_at=pl.col("at").min(),
        total=(pl.col("quantity") * pl.col("price")).sum().round(2),
        products=products,
    )
    events = events.with_columns(
        event_id=pl.col("order_id"), event_name=pl.lit("order_completed"), currency=pl.lit("GBP")
    )
    history.write(events, landing / "events" / "orders.parquet")


@contextmanager
def built(settings: Settings) -> Iterator[Any]:
    """The warehouse as of SPLIT with the models in it."""
    from dagster_project import home, warehouse
    from dagster_project.dbt_run import Run
    from receivers import landing

    os.environ["DOVECOTE_HOME"] = str(settings.home)
    home.prepare(settings)
    summary = landing.ingest(settings, SPLIT)
    print(f"{summary.total.rows_taken:,} orders landed, {summary.total.rows_quarantined} refused", flush=True)
    select = [f"+{model}" for model in MODELS]
    for node in Run(settings, SPLIT, ("run", "--select", *select)):
        if node.seconds > 1:
            print(f"{node.unique_id}: {node.seconds:.1f} s", flush=True)
    with warehouse.opened(settings) as connection:
        yield connection


def measured(connection: Any, name: str) -> str:
    """The table that bench/sql/<name>.sql gives, its columns as heads."""
    found = connection.execute((QUERIES / f"{name}.sql").read_text())
    head = [column[0].replace("_", " ") for column in found.description]
    return results.table(head, found.fetchall())


def section(before: pl.DataFrame, after: pl.DataFrame, tables: dict[str, str]) -> str:
    orders, people = before["order_id"].n_unique(), before["user_id"].n_unique()
    return f"""## Predictions and recommendations

`python -m bench predictions`: UCI Online Retail, {orders:,} orders of {people:,} customers before
{SPLIT:%Y-%m-%d} through ingest and the shipped models, {after["order_id"].n_unique():,} orders in the ten
weeks after as the truth. Smoothing and measures were chosen on a split at 2011-07-01. ± is twice the standard
error. The shop sells to retailers: people of other shops have other habits.

{results.machine()}

**The day of the next order** (`pred_reorder`), of customers who ordered again; in days. Reading an overdue
date as the day of the split helps either guess.

{tables["reorder"]}

**The hour of the next order** (`pred_best_hour`); who has no row gets everybody's hour.

{tables["hour"]}

**Ten products for a customer** (`int_person_recommendations`, filled up with the popular): is one of them,
not bought before, in the next order? Of customers whose next order has anything new.

{tables["for_people"]}

**Ten products beside one** (`int_recommendations`): given one product of a later order, is another of that
order among them?

{tables["beside"]}

`pred_best_channel` is not measured: no open data says who was written to on which channel and what came of
it."""
