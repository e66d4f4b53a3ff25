-- For the drill alone: from now on every write of this connection is refused.
pragma query_only = on
