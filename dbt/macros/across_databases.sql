{# The few functions that databases spell differently. Models use these and stay portable;
   another adapter adds its own `<adapter>__` version here and nowhere else. #}

{% macro add_seconds(moment, seconds) -%}{{ adapter.dispatch("add_seconds")(moment, seconds) }}{%- endmacro %}
{% macro duckdb__add_seconds(moment, seconds) -%}
    ({{ moment }} + to_microseconds(cast(({{ seconds }}) * cast(1000000 as bigint) as bigint)))
{%- endmacro %}
{% macro spark__add_seconds(moment, seconds) -%}
    timestampadd(microsecond, cast(({{ seconds }}) * cast(1000000 as bigint) as bigint), {{ moment }})
{%- endmacro %}

{# The same date and time of day some years on; 29 February becomes the 28th where there is none. #}
{% macro add_years(moment, years) -%}{{ adapter.dispatch("add_years")(moment, years) }}{%- endmacro %}
{% macro duckdb__add_years(moment, years) -%}({{ moment }} + to_years({{ years }})){%- endmacro %}
{% macro spark__add_years(moment, years) -%}({{ moment }} + make_ym_interval({{ years }}, 0)){%- endmacro %}

{# Elapsed seconds from `earlier` to `later`, with fractions. #}
{% macro seconds_between(earlier, later) -%}{{ adapter.dispatch("seconds_between")(earlier, later) }}{%- endmacro %}
{% macro duckdb__seconds_between(earlier, later) -%}
    (date_diff('microsecond', {{ earlier }}, {{ later }}) / 1000000.0)
{%- endmacro %}
{% macro spark__seconds_between(earlier, later) -%}
    (timestampdiff(microsecond, {{ earlier }}, {{ later }}) / 1000000.0)
{%- endmacro %}

{# A UTC timestamp as the wall clock of an IANA zone shows it. #}
{% macro to_local(moment, zone) -%}{{ adapter.dispatch("to_local")(moment, zone) }}{%- endmacro %}
{% macro duckdb__to_local(moment, zone) -%}
    timezone({{ zone }}, timezone('UTC', {{ moment }}))
{%- endmacro %}
{% macro spark__to_local(moment, zone) -%}from_utc_timestamp({{ moment }}, {{ zone }}){%- endmacro %}

{# Text at a JSON path such as `$.items[0].name`; null where there is none. #}
{% macro json_text(document, path) -%}{{ adapter.dispatch("json_text")(document, path) }}{%- endmacro %}
{% macro duckdb__json_text(document, path) -%}json_extract_string({{ document }}, '{{ path }}'){%- endmacro %}
{% macro spark__json_text(document, path) -%}get_json_object({{ document }}, '{{ path }}'){%- endmacro %}

{# Text of a top-level property whose name is itself a value; null where there is none. #}
{% macro json_property(document, name) -%}{{ adapter.dispatch("json_property")(document, name) }}{%- endmacro %}
{% macro duckdb__json_property(document, name) -%}json_extract_string({{ document }}, '$.' || {{ name }}){%- endmacro %}
{% macro spark__json_property(document, name) -%}get_json_object({{ document }}, '$.' || {{ name }}){%- endmacro %}

{# A whole row of a table alias as a JSON object, one key a column. #}
{% macro row_as_json(table_alias) -%}{{ adapter.dispatch("row_as_json")(table_alias) }}{%- endmacro %}
{% macro duckdb__row_as_json(table_alias) -%}cast(to_json({{ table_alias }}) as varchar){%- endmacro %}
{% macro spark__row_as_json(table_alias) -%}
    to_json(struct({{ table_alias }}.*), map('ignoreNullFields', 'false'))
{%- endmacro %}

{# RFC 4122 version 5 UUID, the same as Python's uuid.uuid5(namespace, text); null for null. One `concat` makes one
   text a row and each `||` another: 0.8 µs of CPU an id instead of 1.0. #}
{% macro uuid5(text, namespace="5e1f0b2c-9a55-5d0e-8a6f-0d0ec07e0001") -%}
    {%- set digest -%}
        {{ adapter.dispatch("sha1_of_bytes")(namespace | replace("-", ""), text) }}
    {%- endset -%}
    concat(
        substr({{ digest }}, 1, 8), '-', substr({{ digest }}, 9, 4), '-5', substr({{ digest }}, 14, 3), '-',
        substr('89ab', 1 + {{ adapter.dispatch("hex_digit")(digest, 17) }} % 4, 1), substr({{ digest }}, 18, 3), '-'
    ) || substr({{ digest }}, 21, 12)
{%- endmacro %}
{% macro duckdb__sha1_of_bytes(prefix_hex, text) -%}sha1(unhex('{{ prefix_hex }}') || encode({{ text }})){%- endmacro %}
{% macro spark__sha1_of_bytes(prefix_hex, text) -%}
    sha1(concat(unhex('{{ prefix_hex }}'), encode({{ text }}, 'utf-8')))
{%- endmacro %}
{% macro duckdb__hex_digit(digest, position) -%}
    cast('0x' || substr({{ digest }}, {{ position }}, 1) as integer)
{%- endmacro %}
{% macro spark__hex_digit(digest, position) -%}
    cast(conv(substr({{ digest }}, {{ position }}, 1), 16, 10) as int)
{%- endmacro %}

{# A stable bucket, 0 to 9,999, from the first 32 bits of an md5. #}
{% macro bucket(text) -%}({{ adapter.dispatch("first_32_bits")(text) }} % 10000){%- endmacro %}
{% macro duckdb__first_32_bits(text) -%}cast('0x' || substr(md5({{ text }}), 1, 8) as bigint){%- endmacro %}
{% macro spark__first_32_bits(text) -%}cast(conv(substr(md5({{ text }}), 1, 8), 16, 10) as bigint){%- endmacro %}

{# 32 bits of a text: what has another hash is another text, and a million hashes take a tenth of the room. #}
{% macro hash_of(text) -%}{{ adapter.dispatch("first_32_bits")(text) }}{%- endmacro %}

{# Values of a group as one JSON array text, in the given order. #}
{% macro json_list(value, order_by) -%}{{ adapter.dispatch("json_list")(value, order_by) }}{%- endmacro %}
{% macro duckdb__json_list(value, order_by) -%}
    cast(to_json(array_agg({{ value }} order by {{ order_by }})) as varchar)
{%- endmacro %}
{% macro spark__json_list(value, order_by) -%}
    to_json(transform(array_sort(array_agg(struct({{ order_by }} as k, {{ value }} as v))), x -> x.v))
{%- endmacro %}

{# A join clause that repeats each row for every text in a JSON list: `<list_alias>.item`. #}
{% macro each_in_json_list(document, list_alias) -%}
    {{ adapter.dispatch("each_in_json_list")(document, list_alias) }}
{%- endmacro %}
{% macro duckdb__each_in_json_list(document, list_alias) -%}
    cross join unnest(cast(from_json({{ document }}, '["VARCHAR"]') as varchar[])) as {{ list_alias }} (item)
{%- endmacro %}
{% macro spark__each_in_json_list(document, list_alias) -%}
    lateral view explode(from_json({{ document }}, 'array<string>')) {{ list_alias }} as item
{%- endmacro %}

{# What a template may know of the person, as a JSON object. #}
{% macro person_as_json(people) -%}{{ adapter.dispatch("person_as_json")(people) }}{%- endmacro %}
{% macro duckdb__person_as_json(people) -%}
    cast(to_json({
        'first_name': {{ people }}.first_name, 'last_name': {{ people }}.last_name,
        'language': {{ people }}.language, 'loyalty_tier': {{ people }}.loyalty_tier
    }) as varchar)
{%- endmacro %}
{% macro spark__person_as_json(people) -%}
    to_json(named_struct(
        'first_name', {{ people }}.first_name, 'last_name', {{ people }}.last_name,
        'language', {{ people }}.language, 'loyalty_tier', {{ people }}.loyalty_tier
    ), map('ignoreNullFields', 'false'))
{%- endmacro %}

{# A JSON object from a mapping of keys to expressions, in its order; a null stays, as null. #}
{% macro json_object(fields) -%}{{ adapter.dispatch("json_object")(fields) }}{%- endmacro %}
{% macro duckdb__json_object(fields) -%}
    cast(json_object({% for key, value in fields.items() %}'{{ key }}', {{ value }}{{ ", " if not loop.last }}{% endfor %}) as varchar)
{%- endmacro %}
{% macro spark__json_object(fields) -%}
    to_json(
        named_struct({% for key, value in fields.items() %}'{{ key }}', {{ value }}{{ ", " if not loop.last }}{% endfor %}),
        map('ignoreNullFields', 'false')
    )
{%- endmacro %}

{# JSON texts of a group as one JSON array text, in the given order. #}
{% macro json_list_of_documents(document, order_by) -%}
    {{ adapter.dispatch("json_list_of_documents")(document, order_by) }}
{%- endmacro %}
{% macro duckdb__json_list_of_documents(document, order_by) -%}
    '[' || string_agg({{ document }}, ',' order by {{ order_by }}) || ']'
{%- endmacro %}
{% macro spark__json_list_of_documents(document, order_by) -%}
    '[' || listagg({{ document }}, ',') within group (order by {{ order_by }}) || ']'
{%- endmacro %}

{# Two columns of a select list that repeat each row for every element of a JSON array text: `position`, from
   0, and `item`, JSON text. A row whose document is null or no array gives none. In the select list, not in
   a join: there a filter on the row still reaches the scan below. #}
{% macro json_items(document) -%}{{ adapter.dispatch("json_items")(document) }}{%- endmacro %}
{% macro duckdb__json_items(document) -%}
    generate_subscripts(json_extract({{ document }}, '$[*]'), 1) - 1 as position,
    unnest(json_extract({{ document }}, '$[*]')) as item
{%- endmacro %}
{% macro spark__json_items(document) -%}
    posexplode(from_json({{ document }}, 'array<string>')) as (position, item)
{%- endmacro %}

{# Two columns of a select list that repeat each row for every key of a JSON object text: `name`, and `value` as
   text. A null or a document without keys gives no row. Keys with quotes or backslashes have no value. #}
{% macro json_entries(document) -%}{{ adapter.dispatch("json_entries")(document) }}{%- endmacro %}
{% macro duckdb__json_entries(document) -%}
    unnest(json_keys({{ document }})) as name,
    unnest(
        list_transform(json_keys({{ document }}), lambda key: json_extract_string({{ document }}, '$."' || key || '"'))
    ) as value
{%- endmacro %}
{% macro spark__json_entries(document) -%}
    explode(from_json({{ document }}, 'map<string,string>')) as (name, value)
{%- endmacro %}

{# Whether the whole text matches a regular expression, given as a literal of SQL. #}
{% macro matches(text, pattern) -%}{{ adapter.dispatch("matches")(text, pattern) }}{%- endmacro %}
{% macro duckdb__matches(text, pattern) -%}regexp_full_match({{ text }}, {{ pattern }}){%- endmacro %}
{% macro spark__matches(text, pattern) -%}{{ text }} rlike concat('^(?:', {{ pattern }}, ')$'){%- endmacro %}

{# The address in lower case where it is one e-mail address, else null: a list or a line break never passes. #}
{% macro email_or_null(text) -%}
    {%- set address = "lower(trim(" ~ text ~ "))" -%}
    case
        when {{ matches(address, "'[a-z0-9.!#%&*+/=?^_{|}~''-]{1,64}@[a-z0-9-]+([.][a-z0-9-]+)*[.][a-z]{2,63}'") }}
            then {{ address }}
    end
{%- endmacro %}

{# The text itself where it is JSON, else null: what a vendor put inside a field need not be. #}
{% macro json_or_null(text) -%}{{ adapter.dispatch("json_or_null")(text) }}{%- endmacro %}
{% macro duckdb__json_or_null(text) -%}case when json_valid({{ text }}) then {{ text }} end{%- endmacro %}
{% macro spark__json_or_null(text) -%}{{ text }}{%- endmacro %}

{# ISO 8601 text, with an offset or in UTC, as a UTC timestamp; null where it is none. #}
{% macro utc_timestamp(text) -%}{{ adapter.dispatch("utc_timestamp")(text) }}{%- endmacro %}
{% macro duckdb__utc_timestamp(text) -%}
    -- With a Z behind it a text without an offset is UTC whatever zone the session is in; one with an offset is no time.
    timezone('UTC', coalesce(try_cast(trim({{ text }}) || 'Z' as timestamptz), try_cast(trim({{ text }}) as timestamptz)))
{%- endmacro %}
{% macro spark__utc_timestamp(text) -%}try_cast(trim({{ text }}) as timestamp){%- endmacro %}

{# A text such as 2001-02-03 as a date; null where it is none. #}
{% macro date_or_null(text) -%}try_cast({{ text }} as date){%- endmacro %}

{# A text as a number; null where it is none. #}
{% macro number_or_null(text) -%}try_cast({{ text }} as double){%- endmacro %}

{# Text at a JSON path as a number; null where there is none or it is not one. #}
{% macro json_number(document, path) -%}try_cast({{ json_text(document, path) }} as double){%- endmacro %}

{# The value below which `share` of a group lies, between two values where it falls between them. #}
{% macro percentile(value, share) -%}{{ adapter.dispatch("percentile")(value, share) }}{%- endmacro %}
{% macro duckdb__percentile(value, share) -%}quantile_cont({{ value }}, {{ share }}){%- endmacro %}
{% macro spark__percentile(value, share) -%}percentile({{ value }}, {{ share }}){%- endmacro %}

{# A list of names as SQL writes it: ('rcs', 'sms'). #}
{% macro as_text_list(names) -%}('{{ names | join("', '") }}'){%- endmacro %}

{# A moment as text that sorts as moments do, to the microsecond. #}
{% macro sortable_time(moment) -%}{{ adapter.dispatch("sortable_time")(moment) }}{%- endmacro %}
{% macro duckdb__sortable_time(moment) -%}strftime({{ moment }}, '%Y-%m-%d %H:%M:%S.%f'){%- endmacro %}
{% macro spark__sortable_time(moment) -%}date_format({{ moment }}, 'yyyy-MM-dd HH:mm:ss.SSSSSS'){%- endmacro %}
