-- The journeys that were live in the last tick; one that is out of `vars.journeys` turns nobody away any more.
select journey from policy.journeys
order by journey
