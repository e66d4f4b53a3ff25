"""A small repository on disk with one journey, for tests that break it in one place."""

from pathlib import Path

from senders.rendering import TEMPLATES

TRIGGER = """\
version: 2

models:
  - name: trg_cart_abandoned
    config:
      contract: {enforced: true}
      meta:
        journey:
          class: marketing
          priority: 70
          reentry: 24h
          exit_on: [order_completed]
          entity: cart_id
          expires_after: 6h
          goal: {event: order_completed, within: 7d, value: revenue}
          holdout: 0.10
          on_unknown: hold
          steps:
            - {name: reminder, after: 1h, channels: [rcs, sms], template: reminder}
            - name: support
              after: 24h
              channels: [rcs]
              template: support
              skip_if: [clicked.reminder]
              only_if: [seg_vip]
    columns:
      - {name: user_id, data_type: string}
      - {name: entity_key, data_type: string}
      - {name: event_id, data_type: string}
      - {name: triggered_at, data_type: timestamp}
      - {name: cart_url, data_type: string}
      - {name: total, data_type: double, config: {meta: {nullable: true}}}
      - name: items
        data_type: string
        config:
          meta:
            fields:
              - {name: name, data_type: string}
              - {name: price, data_type: double, nullable: true}
"""
PROJECT = """\
name: house
vars:
  journeys: [cart_abandoned]
  segments: [vip]
"""
FILES = {
    "dbt/dbt_project.yml": PROJECT,
    "dbt/models/triggers/trg_cart_abandoned.yml": TRIGGER,
    "dbt/models/triggers/trg_cart_abandoned.sql": "select 1 as user_id",
    "dbt/models/segments/seg_vip.sql": "select 1 as user_id",
    "dbt/models/segments/seg_lapsed.sql": "select 1 as user_id",
    "dbt/models/kpis/kpi_bounce_rate.sql": "select 1 as value",
    "dbt/models/kpis/kpi_suppression_rate.sql": "select 1 as value",
    "senders/templates/reminder/rcs.jinja": "{% block text %}{{ track(cart_url) }}{% endblock %}",
    "senders/templates/reminder/sms.jinja": "{{ shop.name }}: {{ track(cart_url) }}",
    "senders/templates/support/rcs.jinja": "{% for item in items %}{{ item.name }}{% endfor %}",
}


def house(folder: Path, changes: dict[str, str | None] | None = None) -> Path:
    """The repository with `changes` to its files; None takes a file away."""
    for name, text in (FILES | (changes or {})).items():
        if text is None:
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    layouts = folder / "senders/templates/_layout"
    if not layouts.exists():
        layouts.symlink_to(TEMPLATES / "_layout")
    return folder


def trigger(old: str, new: str) -> dict[str, str | None]:
    """The one journey with `old` in its YAML replaced by `new`."""
    assert old in TRIGGER
    return {"dbt/models/triggers/trg_cart_abandoned.yml": TRIGGER.replace(old, new, 1)}
