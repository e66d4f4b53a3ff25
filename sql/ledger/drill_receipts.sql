-- How many receipts were stored: each thing that a provider said counts once.
select count(*) from receipts
