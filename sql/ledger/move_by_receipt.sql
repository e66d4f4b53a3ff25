-- Forward or not at all: allowed_moves holds the order. The claim's token stays, for the answer to come.
update messages set state = :state, state_at = :at, reason = :reason, wake_at = null
where message_no = :message_no and exists (
    select 1 from allowed_moves
    where allowed_moves.from_state = messages.state and allowed_moves.to_state = :state
)
