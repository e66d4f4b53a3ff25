{{ config(materialized="view") }}

-- Who a person id of an earlier run is now: an anonymous person who became known, a user id that was
-- renamed. What an anonymous person did before anyone was known on the device belongs to the first who was.

select
    given_id as from_user_id,
    user_id
from {{ ref("int_identity_spans") }}
where valid_from = {{ beginning_of_time() }} and given_id <> user_id
