update journal set address_key = null
where address_key = :address_key
