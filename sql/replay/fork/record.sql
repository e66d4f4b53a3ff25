-- What a table of the record holds that no model can work out again from what landed: which rows of these people
-- stood before $first. A segment's row without a person is about the segment.
select *
from (
    values
    ('decisions.fct_entries', 'recorded_at < $first and user_id in (select given_id from landed.ids)'),
    ('decisions.fct_entry_steps', 'entry_id in (select entry_id from decisions.fct_entries)'),
    ('decisions.fct_decisions', 'decided_at < $first and user_id in (select given_id from landed.ids)'),
    ('decisions.int_assignments', 'assigned_at < $first and user_id in (select given_id from landed.ids)'),
    (
        'segments.fct_segment_memberships',
        'changed_at < $first and (user_id is null or user_id in (select given_id from landed.ids))'
    )
) as record (relation, condition)
