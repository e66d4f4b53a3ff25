-- Whether a row is of the person in `ids`. It stands in the midst of other statements.
exists (
    select 1 from ids
    where
        ids.given_id = {given_id}
        and coalesce({given_at}, ids.valid_from) >= ids.valid_from
        and coalesce({given_at}, ids.valid_from) < ids.valid_to
)
