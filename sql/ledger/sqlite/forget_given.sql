-- What the last plan was given; one that failed may have left it.
delete from given_messages
