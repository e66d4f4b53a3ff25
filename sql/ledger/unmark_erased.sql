delete from erased
where mark = :mark
