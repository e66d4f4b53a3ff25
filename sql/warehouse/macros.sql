-- The words that the feeds' declarations (receivers/feeds) are written in. They live for one ingest.

-- A time in UTC without a zone; a time without an offset is UTC. Null for what is no time, for
-- `infinity` and for years that nobody counts. (A plain cast to timestamp would drop the offset.)
create or replace temp macro utc(given) as (
    case
        when isfinite(try_cast(given as timestamptz)) and year(try_cast(given as timestamptz)) between 1 and 9999
            then timezone('UTC', try_cast(given as timestamptz))
    end
);

-- A finite number, or null.
create or replace temp macro number(given) as (
    case when isfinite(try_cast(given as double)) then try_cast(given as double) end
);

-- Without the white space around it, line feeds too.
create or replace temp macro bare(given) as (
    trim(given, ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13))
);

create or replace temp macro none_if_blank(given) as (nullif(bare(given), ''));

-- "Product Added", "productAdded" and "product-added" are product_added.
create or replace temp macro snake_case(given) as (
    none_if_blank(trim(lower(regexp_replace(
        regexp_replace(given, '([a-z0-9])([A-Z])', '\1_\2', 'g'), '[^\p{L}\p{N}]+', '_', 'g'
    )), '_'))
);

-- Takes the nulls out, however deep: a patch's nulls delete (RFC 7396).
create or replace temp macro without_nulls(document) as (json_merge_patch('{}', document));

-- The object in `document` (an empty one for anything else), with what `more` has besides.
create or replace temp macro object_with(document, more) as (
    case
        when document is null or not coalesce(json_valid(document), false) then more
        when json_type(document) <> 'OBJECT' then more
        when more = '{}' then document
        else json_merge_patch(more, document)
    end
);

-- The text at a path of what may be an object; null where it is none.
create or replace temp macro text_in(document, path) as (
    json_extract_string(object_with(document, '{}'), path)
);
