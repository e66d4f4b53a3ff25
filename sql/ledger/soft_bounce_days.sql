-- On how many days, since something last reached it, the address sent back what may work another time. By the
-- messages to it alone, each of which says why it stands where it does.
select count(distinct substr(messages.state_at, 1, 10))
from messages indexed by messages_to_address
where
    messages.address_key = (select about.address_key from messages as about where about.message_no = :message_no)
    and messages.state = 'failed_late'
    and messages.reason in ('blocked_by_mailbox', 'handset_unreachable')
    and messages.state_at > coalesce(
        (
            select max(reached.state_at)
            from messages as reached indexed by messages_to_address
            where reached.address_key = messages.address_key and reached.state in ('delivered', 'read')
        ),
        ''
    )
