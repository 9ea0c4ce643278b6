"""The erasure of one customer (POPIA, section 24): every copy of the files that name them, without their id."""
