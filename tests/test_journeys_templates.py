"""A template that needs what its trigger does not select is found before a message is."""

import pytest
from journey_house import house, trigger

from dagster_project.template_check import template_problems
from senders.settings import REPOSITORY

RCS, SMS = "senders/templates/support/rcs.jinja", "senders/templates/reminder/sms.jinja"
EMAIL = "senders/templates/support/email.jinja"
FRAME = '{% extends "email.jinja" %}'


def mail(rest: str) -> str:
    return FRAME + "{% block subject %}s{% endblock %}{% block text %}t{% endblock %}\n" + rest


TEXTS = {
    "a name the trigger does not select": (
        SMS, "Hello\n{{ cart_ulr }}", 2,
        'needs "cart_ulr", which the trigger does not select; did you mean "cart_url"?',
    ),
    "a name in a branch that no example takes": (
        SMS, "x {% if total and total > 1000000 %}{{ coupon }}{% endif %}", 1, 'needs "coupon"',
    ),
    "a column of another trigger": (SMS, "{{ order_id }}", 1, 'needs "order_id"'),
    "a field the person does not have": (
        SMS, "x{% if false %}{{ person.frist_name }}{% endif %}", 1,
        'needs "person.frist_name", which is not there; did you mean "first_name"?',
    ),
    "a field in brackets": (SMS, "{{ person['nick'] }}", 1, 'needs "person.nick"'),
    "a link there is none of": (SMS, "{{ links.unsubscrib }}", 1, 'did you mean "unsubscribe"?'),
    "a field an item does not have": (
        RCS, "{% for thing in items[:3] | reverse %}\n{{ thing.nmae }}\n{% endfor %}", 2,
        'needs "thing.nmae", which is not there; did you mean "name"?',
    ),
    "a field of the first item": (RCS, "{{ (items | first).nmae }}", 1, 'needs "items.nmae"'),
    "a field of a value that is no list": (
        RCS, "{% for thing in cart_url %}{{ thing.name }}{% endfor %}", 1,
        "say in the trigger's YAML what is in",
    ),
    "a name that only a loop had": (
        RCS, "{% for item in items %}{{ item.name }}{% endfor %}{{ item.name }}", 1, 'needs "item"',
    ),
    "a null that nobody provided for": (
        SMS, "{{ total | money }}", 1, "'total' is null here: write {{ total | default(…) }}",
    ),
    "a null inside a list": (
        RCS, "{% for item in items %}{{ item.price | money }}{% endfor %}", 1, "'price' is null here",
    ),
    "a filter on the wrong type": (SMS, "{{ total | date }}", 1, "Invalid isoformat string"),
    "a broken tag": (SMS, "a\n{% if %}", 2, "Expected an expression"),
    "a filter there is none of": (SMS, "{{ total | mony }}", 1, "No filter named 'mony'"),
    "a label that is too long": (
        RCS, "{% block text %}t{% endblock %}{% block suggestions %}{% if false %}"
        "{{ reply('Twenty-six characters here') }}{% endif %}{% endblock %}", 1,
        'the label "Twenty-six characters here" has 26 characters, at most 25 fit',
    ),
    "a label whose length is not known": (
        RCS, "{% block title %}t{% endblock %}{% block buttons %}{{ reply(items[0].name) }}{% endblock %}", 1,
        "reply: a label is a plain text here",
    ),
    "a block there is none of": (
        RCS, "{% block titel %}t{% endblock %}", 1, 'unknown block titel; did you mean "title"?',
    ),
    "a link to what is no address": (SMS, "{{ track(user_id) }}", 1, "must be a complete http"),
}  # fmt: skip


@pytest.mark.parametrize("what", TEXTS)
def test_a_template_that_would_fail_is_found_with_its_line(tmp_path, what):
    file, text, line, says = TEXTS[what]
    found = template_problems(house(tmp_path, {file: text}))
    assert [(problem.file, problem.line, problem.key) for problem in found] == [
        (file, line, "trg_cart_abandoned")
    ]
    assert says in found[0].says


@pytest.mark.parametrize(
    "text",
    [
        "{% set first = items[0] %}{{ first.name }}",
        "{% for item in items if item.price %}{{ loop.index }}{{ item.name }}{% endfor %} x",
        "{% for name, text in [('a', 'b')] %}{{ name }}{{ text }}{% endfor %}",
        "{% macro line(thing) %}{{ thing.whatever }}{% endmacro %}x{{ total | default('') }}",
        "{{ person.first_name | default('there') }}{% if total %}{{ total | money }}{% endif %}",
        "{{ user_id }}{{ event_id }}{{ triggered_at | date }}{{ is_marketing }}",
    ],
)
def test_a_template_that_is_given_all_it_needs_is_left_in_peace(tmp_path, text):
    assert template_problems(house(tmp_path, {RCS: text, SMS: text})) == []


def test_what_an_email_sets_outside_its_blocks_is_no_unknown_name(tmp_path):
    text = mail("{% set who = person.first_name | default('you') %}{% block html %}{{ who }}{% endblock %}")
    assert template_problems(house(tmp_path, with_email(text))) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (mail(""), "an e-mail needs a block html"),
        (mail("{% block html %}h{% endblock %}").removeprefix(FRAME), "an e-mail begins with"),
        (mail("{% block html %}h{% endblock %}{% block body %}{% endblock %}"), "unknown block body"),
        (mail("{% block html %}{{ products(items, currency) }}{% endblock %}"), 'needs "currency"'),
        (mail("{% block html %}{{ products(items, 'EUR') }}{% endblock %}"), "no 'image_url' here"),
    ],
)
def test_an_email_without_its_frame_or_parts_is_found(tmp_path, text, says):
    found = template_problems(house(tmp_path, with_email(text)))
    assert [problem for problem in found if says in problem.says and problem.file == EMAIL], found


def with_email(text: str) -> dict[str, str | None]:
    return {EMAIL: text, **trigger("channels: [rcs]", "channels: [rcs, email]")}


def test_every_template_of_this_repository_gets_what_it_needs():
    assert list(map(str, template_problems(REPOSITORY))) == []
