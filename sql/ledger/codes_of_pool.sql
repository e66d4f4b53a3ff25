select code from discount_codes where pool = :pool
