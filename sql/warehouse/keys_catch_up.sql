-- Rows that came before their keys were kept, or by another way.
insert into {keys}
select {key_hash} as key_hash, landed_at
from {table}
where landed_at > timestamp '{known_until}'
