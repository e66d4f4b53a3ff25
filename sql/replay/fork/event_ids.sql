-- Their events; and what an operator announced, which may be meant for them without being about them.
create table landed.event_ids as
select event_id from source.staging.int_events
where
    given_id in (select given_id from landed.ids)
    or 'anon:' || anonymous_id in (select given_id from landed.ids)
    or event_name like 'status_notice_%'
