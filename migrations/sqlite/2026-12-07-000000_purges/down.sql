-- What was destroyed stays destroyed; that it was is known from the ledger only.
DROP TABLE destroyed_packets;
DROP TABLE purge_packets;
DROP TABLE purges;
DROP TABLE legal_holds;
