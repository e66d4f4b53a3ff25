-- Every known id that is meant by $who: an id as it is given, or whoever told that address.
select distinct given_id
from told
where given_id in ($who, 'anon:' || $who) or address_key = $who or address_key = lower($who)
order by given_id
