-- For the drill's simulation alone: its ledger lives in memory, and what dies is a process, not a machine.
pragma synchronous = off
