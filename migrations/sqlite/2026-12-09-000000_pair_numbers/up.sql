-- What failed or was given back is read of some agencies as recipients too, without reading that of all others.
CREATE INDEX statistic_counts_by_partner ON statistic_counts (partner_code, day) WHERE partner_code <> '';
