-- What becomes of each row: taken, duplicate, conflicting (its key was used by something else),
-- refused (a rule fails), condemned (with its whole file).
create or replace temp table verdicts as
with condemned as (
    select file_no
    from mapped
    group by file_no
    having (bit_and(failed) & {file_mask}) <> 0
),

candidates as (
    select file_no, row_number, {key}, {same} as same
    from mapped
    where (failed & {row_mask}) = 0 and file_no not in (select file_no from condemned)
),

known as (
    select candidates.file_no, candidates.row_number, first({same_known}) as same
    from candidates
    inner join used on candidates.file_no = used.file_no and candidates.row_number = used.row_number
    inner join {table} as held on used.landed_at = held.landed_at and {match}
    group by candidates.file_no, candidates.row_number
),

placed as (
    select
        candidates.file_no,
        candidates.row_number,
        candidates.same,
        known.file_no is not null as is_known,
        known.same as same_known,
        row_number() over by_key as place,
        first_value(candidates.same) over by_key as same_first
    from candidates
    left join known on candidates.file_no = known.file_no and candidates.row_number = known.row_number
    window by_key as (partition by {key_of_candidates} order by candidates.file_no, candidates.row_number)
)

select
    file_no,
    row_number,
    case
        when not is_known and place = 1 then 'taken'
        when coalesce(same_known, same_first) is distinct from same then 'conflicting'
        else 'duplicate'
    end as verdict
from placed
union all
select
    file_no,
    row_number,
    case when file_no in (select file_no from condemned) then 'condemned' else 'refused' end as verdict
from mapped
where (failed & {row_mask}) <> 0 or file_no in (select file_no from condemned)
